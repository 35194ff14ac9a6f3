"""A loopback server that has comments, and a handler that writes each of its own once, as the real one does."""

from __future__ import annotations

import json
import threading
import urllib.parse
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from cpipe_bot.jobs.work import Done, Handler, TryAgain, Work


class Comments:
    """`made` counts the comments by what they say; `found` how often one was looked for."""

    def __init__(self) -> None:
        self.made: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Comments:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(comments: Comments) -> type[BaseHTTPRequestHandler]:
    guard = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = urllib.parse.unquote(self.path[1:])
            with guard:
                comments.found[text] += 1
                known = comments.made[text] > 0
            self._answer({"known": known})

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            with guard:
                comments.made[text] += 1
            self._answer({})

        def _answer(self, told: dict[str, bool]) -> None:
            content = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def commenting(url: str) -> Handler:
    """Return a handler that comments on each commit once: it looks first, and then writes."""

    def handle(work: Work) -> Done:
        text = f"{work.repo}@{work.sha}"
        try:
            with urllib.request.urlopen(f"{url}/{urllib.parse.quote(text, safe='')}", timeout=10) as answer:
                known = json.load(answer)["known"]
            if not known:
                urllib.request.urlopen(urllib.request.Request(url, text.encode(), method="POST"), timeout=10).close()
        except OSError as error:
            raise TryAgain(str(error)) from error
        return Done("success", "commented")

    return handle
