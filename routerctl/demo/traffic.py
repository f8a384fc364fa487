"""Larkfield right now: a few dozen requests through the real doors, then the notice.

    python -m routerctl.demo.traffic < JSON

Runs beside the server as a process of its own: `base_url`, `key`, `old_key`, `count` and `notice`
come on standard input, so that no key stands in a process list.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random

from routerctl.demo.callers import FEATURES, GENERATE, Post, shop_for

AT_ONCE = 8
PATIENCE_S = 60
ONE_FAULT_IN = 9


def requests(count: int) -> Iterator[Post]:
    """`count` requests, the same ones every time. Their providers take some time, as real ones do,
    and one in a while fails."""
    random = Random(20)  # noqa: S311  # for variety, not for secrecy
    for asked in random.choices(list(FEATURES), k=count):
        post = FEATURES[asked](random, shop_for(random, asked))
        told = f"latency={int(random.lognormvariate(3.9, 0.7))}"
        if random.random() * ONE_FAULT_IN < 1:
            told += " status=503 only=openai"
        yield _telling(post, f" [mock {told}]")


def _telling(post: Post, told: str) -> Post:
    """`post` with a word to the scripted provider at the end of what the user says."""
    body = dict(post.body)
    if "messages" in body:
        *before, last = body["messages"]
        body["messages"] = [*before, last | {"content": last["content"] + told}]
    elif post.path == GENERATE:
        body["input"] += told
    return replace(post, body=body)


def send(base_url: str, key: str, post: Post) -> None:
    """One request, its answer read to the end. What goes wrong is the server's to record."""
    request = urllib.request.Request(  # noqa: S310  # our own server
        base_url + post.path,
        json.dumps(post.body).encode(),
        {"authorization": f"Bearer {key}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            answer.read()
    except urllib.error.HTTPError as error:
        error.close()


def _wait_until_ready(base_url: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{base_url}/readyz", timeout=5).close()  # noqa: S310
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError


def main() -> None:
    told = json.load(sys.stdin)
    if os.fork():  # the server, which takes the place of whoever started us, waits for nobody
        os._exit(0)
    try:
        _wait_until_ready(told["base_url"])
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for post in requests(told["count"]):
                key = told["old_key"] if post.old else told["key"]
                pool.submit(send, told["base_url"], key, post)
    except (KeyboardInterrupt, TimeoutError):
        return  # the server has ended, and has said why
    print(told["notice"], flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
