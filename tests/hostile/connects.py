"""TCP, UDP, IPv6, unix and abstract sockets, raw and netlink."""

# expect: ran

import socket

TRIES = (
    (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", int("@@TCP@@"))),
    (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", int("@@UDP@@"))),
    (socket.AF_INET6, socket.SOCK_STREAM, ("::1", int("@@TCP6@@"))),
    (socket.AF_UNIX, socket.SOCK_STREAM, "@@UNIX@@"),
    (socket.AF_UNIX, socket.SOCK_STREAM, "\0@@ABSTRACT@@"),
    (socket.AF_INET, socket.SOCK_RAW, ("127.0.0.1", 1)),
    (socket.AF_NETLINK, socket.SOCK_RAW, (0, 0)),
    (socket.AF_PACKET, socket.SOCK_RAW, ("lo", 0)),
)
got = []
for family, kind, address in TRIES:
    try:
        with socket.socket(family, kind) as made:
            made.settimeout(1)
            made.connect(address)
            made.send(b"LOOT")
            got.append(address)
    except OSError:
        pass
for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM):
    try:
        one, other = socket.socketpair(socket.AF_UNIX, kind)
        one.sendto(b"LOOT", "@@UNIX@@.d")
        got.append(kind)
    except OSError:
        pass
