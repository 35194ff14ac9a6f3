"""ANSI, bidi, Markdown, HTML, workflow commands and mentions in all its text."""

# expect: failed: .*

TEXT = (
    "\x1b[31mred\x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \u202eesrever\u202c \u2066x\u2069 \x00\x07\r"
    "\n::error::owned\n  ::set-output name=x::y\n##[group]z\n[a](http://evil.example) <script>x</script> @octocat #1"
    " ```\n~~~ \u2028::stop-commands::x"
)
print(TEXT)


def _named():
    raise type("Odd\n::error::\x1b[31m", (Exception,), {})(TEXT)


def on_call(pipe, image):
    print(TEXT)
    code = _named.__code__.replace(co_name="f\n::error::g")
    type(_named)(code, globals())()
