"""A provider that cannot be reached, and does not even say so."""

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def deaf_origin() -> Iterator[str]:
    """An address that takes no connection: its backlog is full, and nobody accepts."""
    with contextlib.ExitStack() as sockets:
        deaf = sockets.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(3):
            caller = sockets.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())
        yield f"http://127.0.0.1:{deaf.getsockname()[1]}"
