"""The loader's search for relative imports reads docstrings too."""

# expect: (ran|failed: .*|not run: .*)

_TEXT = """
from ...secret import token
from .@@CANARY_FILE@@ import token
import .secret
"""
