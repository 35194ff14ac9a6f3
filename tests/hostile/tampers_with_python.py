"""builtins, import hooks and tracing, for whatever runs later in its process."""

# expect: (ran|failed: .*)
# room: lost

import builtins
import signal
import sys

builtins.open = None
sys.meta_path.insert(0, object())
sys.settrace(lambda *a: None)
sys.addaudithook(lambda *a: None)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
signal.signal(signal.SIGALRM, lambda *a: None)
