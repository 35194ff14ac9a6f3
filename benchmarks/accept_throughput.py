"""How many deliveries a second are accepted, each on disk before its answer, beside bare FastAPI on the same uvicorn.

    python benchmarks/accept_throughput.py [--seconds 8] [--rounds 3] [--deliveries 10000]

Both servers run in a process of their own, by turns, and are asked by 32 connections of a third process. The bare one
reads the body and answers. Ours is `serve` with SQLite and one worker: secret, limits, JSON, group commit with fsync,
a line of log, and jobs of a second. Then its memory over many deliveries. Bounds: half of bare FastAPI's rate, a 99th
percentile of 200 ms, memory that does not grow.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request

CONNECTIONS = 32
SECRET = "a secret of the benchmark"
_NUMBERS = itertools.count()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--deliveries", type=int, default=10_000)
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    ratios = []
    for _ in range(given.rounds):
        rates = {}
        for kind in ("bare", "ours"):
            with tempfile.TemporaryDirectory() as directory, _Server(kind, directory) as server:
                rate, p50, p99 = asyncio.run(_measured(server.port, given.seconds))
            rates[kind] = rate
            print(f"{kind}  {rate:6.0f} deliveries/s  median {p50:5.1f} ms  p99 {p99:6.1f} ms")
        ratios.append(rates["ours"] / rates["bare"])
    print(f"ours / bare = {statistics.median(ratios):.2f} (the bound is 0.5; {', '.join(f'{r:.2f}' for r in ratios)})")
    with tempfile.TemporaryDirectory() as directory, _Server("ours", directory) as server:
        asyncio.run(_sent(server.port, 1000))
        sizes = [server.megabytes]
        for _ in range(4):
            asyncio.run(_sent(server.port, given.deliveries // 4))
            sizes.append(server.megabytes)
    print(f"memory over {given.deliveries} deliveries: {' '.join(f'{size:.0f}' for size in sizes)} MB")


async def _measured(port: int, seconds: float) -> tuple[float, float, float]:
    await asyncio.gather(*(_connection(port, time.monotonic() + 1.0) for _ in range(CONNECTIONS)))
    began = time.monotonic()
    found = await asyncio.gather(*(_connection(port, began + seconds) for _ in range(CONNECTIONS)))
    waits = sorted(itertools.chain.from_iterable(found))
    rate = len(waits) / (time.monotonic() - began)
    return rate, 1000 * waits[len(waits) // 2], 1000 * waits[int(len(waits) * 0.99)]


async def _sent(port: int, number: int) -> None:
    await asyncio.gather(*(_connection(port, float("inf"), number // CONNECTIONS) for _ in range(CONNECTIONS)))


async def _connection(port: int, until: float, most: float = float("inf")) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    waits: list[float] = []
    while time.monotonic() < until and len(waits) < most:
        body = json.dumps({"repo": f"o{next(_NUMBERS) % 1000}/r{next(_NUMBERS)}", "padding": "x" * 800}).encode()
        lines = ("Host: x", f"X-Webhook-Secret: {SECRET}", f"Content-Length: {len(body)}", "", "")
        head = "\r\n".join(("POST /webhooks/hub HTTP/1.1", *lines))
        began = time.monotonic()
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        waits.append(time.monotonic() - began)
        assert answer.startswith((b"HTTP/1.1 202", b"HTTP/1.1 200")), answer
    writer.close()
    return waits


class _Server:
    def __init__(self, kind: str, directory: str) -> None:
        port = Path(directory, "port")
        command = [sys.executable, __file__, "--serve", kind, directory]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while not port.exists() or not port.read_text():
            time.sleep(0.05)
            assert self._process.poll() is None
        self.port = int(port.read_text())
        while True:
            try:
                asyncio.run(_sent(self.port, CONNECTIONS))
                break
            except OSError:
                time.sleep(0.05)

    def __enter__(self) -> _Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    @property
    def megabytes(self) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _bare(port: int) -> None:
    server = FastAPI()

    @server.post("/webhooks/hub")
    async def hub(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    uvicorn.run(server, port=port, log_config=None, access_log=False)


def _ours(port: int, directory: str) -> None:
    from cpipe_bot.jobs.hub import Hub
    from cpipe_bot.jobs.serving import Process, serve
    from cpipe_bot.jobs.work import Done, Work

    def works(body: bytes) -> tuple[Work, ...]:
        return (Work("model", json.loads(body)["repo"], "refs/heads/main", "a" * 40, "1", "push"),)

    def handle(_: Work) -> Done:
        # What the static check of a repository takes at least, most of it in other processes.
        time.sleep(1)
        return Done("success", "fine")

    hub = Hub(handle, works, "1")
    serve(Process(f"sqlite:///{directory}/jobs.sqlite", 1, port=port, secret=SECRET), hub)


def _serve(kind: str, directory: str) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as found:
        port = int(found.getsockname()[1])
    Path(directory, "port").write_text(str(port))
    if kind == "bare":
        _bare(port)
    else:
        _ours(port, directory)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        _serve(*sys.argv[2:])
    else:
        main()
