"""Writes outside without care for errors."""

# expect: not run: .*blocked by the sandbox: it uses `.*canaries/mine`.*

def on_init(pipe):
    open("@@CANARY_DIR@@/mine", "w").write("x")
