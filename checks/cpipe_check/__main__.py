"""`python -m cpipe_check`."""

import os
import sys

# Python puts the current directory first, where a checkout may hold a `click.py` of its own.
sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != os.getcwd()]

from cpipe_check.cli import main  # noqa: E402

main()
