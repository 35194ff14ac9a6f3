"""What the Linux kernel offers to a process that wants to lock itself up, by ctypes: no package to keep up with."""
