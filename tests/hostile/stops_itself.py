"""Stops itself, so that its end is never seen."""

# expect: failed: .*
# seconds: 4

import os
import signal

os.kill(os.getpid(), signal.SIGSTOP)
