"""Larkfield's traffic: a few hundred requests through the real doors, then the notice.

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
from dataclasses import dataclass
from random import Random
from typing import Any

AT_ONCE = 8
PATIENCE_S = 60
TENANTS = ("juniper-books", "halden-outdoor", "mirabell", "tessellate", "corner-cycles")
CHATS = (
    "How do I reset my password?",
    "Where is my parcel? It should have come on Monday.",
    "I want to cancel my subscription at the end of the month.",
    "Can I change the delivery address of an order that was sent already?",
    "Wie ändere ich meine Lieferadresse?",
    "The app logs me out every few minutes.",
)
DISPUTES = (
    "I was charged twice for order 4711, please look into it.",
    "I returned the lamp three weeks ago and still wait for my refund.",
)
TRIAGE = {
    "type": "object",
    "properties": {
        "sentiment": {"type": "string", "enum": ["good", "bad", "mixed"]},
        "needs_reply": {"type": "boolean"},
    },
    "required": ["sentiment", "needs_reply"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Post:
    """One request. `old` says that the app of the legacy key sends it."""

    path: str
    body: dict[str, Any]
    old: bool = False


def requests(count: int) -> Iterator[Post]:
    """`count` requests, the same ones every time."""
    random = Random(20)  # noqa: S311  # for variety, not for secrecy
    kinds = (_chat, _dispute, _summary, _triage, _openai_chat, _embedding, _trouble, _old_app)
    for kind in random.choices(kinds, weights=(34, 10, 16, 10, 12, 6, 8, 4), k=count):
        yield kind(random)


def _chat(random: Random) -> Post:
    plan = random.choice(("free", "free", "pro", "enterprise"))
    asked = _caller(random, "support-chat") | {"task": "chat", "plan": plan}
    if random.random() < 0.3:
        asked["stream"] = True
    return Post("/v1/generate", asked | {"input": _slow(random, random.choice(CHATS))})


def _dispute(random: Random) -> Post:
    asked = _caller(random, "support-chat") | {"task": "chat", "plan": "pro"}
    ticket = {"metadata": {"ticket": f"T-{random.randint(100, 199)}"}}
    return Post("/v1/generate", asked | ticket | {"input": _slow(random, random.choice(DISPUTES))})


def _summary(random: Random) -> Post:
    asked = _caller(random, "order-summary") | {"task": "summary", "plan": "enterprise"}
    text = "Summarize for the warehouse: " + "two chairs, one with a scratch; " * 30
    return Post("/v1/generate", asked | {"input": _slow(random, text)})


def _triage(random: Random) -> Post:
    asked = _caller(random, "review-triage") | {"task": "classification", "output_schema": TRIAGE}
    return Post(
        "/v1/generate", asked | {"input": _slow(random, "Nice lamp, but the box was torn.")}
    )


def _openai_chat(random: Random) -> Post:
    messages = [{"role": "user", "content": _slow(random, random.choice(CHATS))}]
    metadata = {"user_tier": "pro", "tenant": random.choice(TENANTS), "task_type": "chat"}
    body = {"model": "feature:search-answers", "messages": messages, "metadata": metadata}
    return Post("/v1/chat/completions", body | {"stream": random.random() < 0.5})


def _embedding(random: Random) -> Post:
    return Post("/v1/embeddings", {"model": "task:embedding", "input": random.choice(CHATS)})


def _trouble(random: Random) -> Post:
    """What goes wrong on an ordinary day."""
    asked = _caller(random, "support-chat") | {"task": "chat", "plan": "pro"}
    text = random.choice(CHATS)
    wrong: dict[str, Any] = random.choice(
        (
            {"input": f"{text} [mock status=503 only=openai]"},
            {"input": f"{text} [mock status=503 only=openai]"},
            {"input": f"{text} [mock status=429 retry_after=20 only=openai]"},
            {"input": f"{text} [mock status=500]"},
            {"input": f"{text} [mock refuse]"},
            {"input": "Why is my key sk-proj-Zq8vT3nLk29XwPfR71mCdB56yHsEaGuJ refused?"},
            {"input": "Zeig mir das Bild", "residency": "eu", "output_schema": TRIAGE},
            {"input": text, "task": "summary", "residency": "eu"},
            {"input": text, "model": "gpt-4o"},
        )
    )
    return Post("/v1/generate", asked | wrong)


def _old_app(random: Random) -> Post:
    body = {
        "model": "gpt-3.5-turbo",
        "messages": [{"role": "user", "content": random.choice(CHATS)}],
        "metadata": {"app": "larkfield-ios", "app_version": "1.9.2", "feature": "support-chat"},
    }
    return Post("/v1/chat/completions", body, old=True)


def _caller(random: Random, feature: str) -> dict[str, Any]:
    app, versions = random.choice((("larkfield-web", ("5.1.0", "5.2.0")), ("ios", ("3.2.0",))))
    return {
        "feature": feature,
        "tenant": random.choice(TENANTS),
        "user": f"u_{random.randint(1, 60)}",
        "session": f"s_{random.randint(1, 90)}",
        "app": app,
        "app_version": random.choice(versions),
    }


def _slow(random: Random, text: str) -> str:
    """The provider takes its time, as real ones do."""
    return f"{text} [mock latency={int(random.lognormvariate(3.9, 0.7))}]"


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
