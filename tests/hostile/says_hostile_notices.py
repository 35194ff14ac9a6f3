"""Warnings in the text of readers, through the library and past it, more than are taken down."""

# expect: ran

import warnings

TEXT = "\x1b[31mred \u202eesrever ::error::x\n::error::owned ##[group]z <script>x</script> [a](http://evil.example)"


def on_call(pipe, image):
    for number in range(30):
        warnings.warn(f"{number} {TEXT}", FutureWarning)
    found = channel()
    for number in range(5):
        found.send(event="notice", stage=found.current, text=f"\r\n::error::{number}" + "\ud800\u2028" * 1000)
    return image
