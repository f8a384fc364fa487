"""`python -m routerctl.mock --port P`: serve the scripted providers until told to end."""

import argparse
import logging
import socket
import sys
import threading

import uvicorn

from routerctl.mock.server import Providers


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m routerctl.mock")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument(
        "--ends-with-stdin", action="store_true", help="end when standard input does"
    )
    options = parser.parse_args()
    try:
        listener = socket.create_server((options.host, options.port), backlog=1024)
    except OSError as error:
        sys.exit(f"Port {options.port} on {options.host} cannot be had: {error.strerror}.")
    host, port = listener.getsockname()[:2]
    print(f"http://{host}:{port}", flush=True)  # noqa: T201  # whoever started it reads this

    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # cut streams are meant to be cut
    config = uvicorn.Config(
        Providers(), lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    if options.ends_with_stdin:
        threading.Thread(target=_end_with_stdin, args=[server], daemon=True).start()
    server.run(sockets=[listener])


def _end_with_stdin(server: uvicorn.Server) -> None:
    """The pipe of whoever started it closes with its end, even one by `kill -9`."""
    sys.stdin.buffer.read()
    server.should_exit = True


if __name__ == "__main__":
    main()
