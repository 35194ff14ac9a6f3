"""A name server, and a download, without care for errors."""

# expect: not run: .*blocked by the sandbox: it uses the network \(example.org\).*

import urllib.request


def on_call(pipe, image):
    urllib.request.urlopen("https://example.org/weights", timeout=5)
    return image
