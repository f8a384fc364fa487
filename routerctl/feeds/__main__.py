"""An `Order` from standard input, its `Reading` to standard output; or one line of why not."""

import sys

import msgspec

from routerctl.feeds import genai, litellm
from routerctl.feeds.values import Order, Unreadable

READERS = {"genai-prices": genai.reading, "litellm": litellm.reading}


def main() -> int:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    try:
        said = READERS[order.feed](order)
    except Unreadable as unreadable:
        sys.stderr.write(f"{unreadable}\n")
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
