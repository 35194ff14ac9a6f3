"""Crashes in native code."""

# expect: failed: .*killed by SIGSEGV.*

import ctypes

ctypes.string_at(0)
