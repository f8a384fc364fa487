"""Logs are JSON lines without secrets, whoever wrote them."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from routerctl import logs

CANARY = "sk-proj-Zq8vT3nLk29XwPfR71mCdB56yHsEaGuJ"


@pytest.fixture
def lines() -> Iterator[Any]:
    """What was logged since, parsed."""
    handler = logging.StreamHandler(io.StringIO())
    configured = logs.configure("INFO")
    made = configured["formatters"]["json"]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=made["foreign_pre_chain"], processors=made["processors"]
        )
    )
    root = logging.getLogger()
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in handler.stream.getvalue().splitlines()]
    root.removeHandler(handler)


def test_both_kinds_of_loggers_write_the_same_lines(lines: Any):
    structlog.get_logger("ours").warning("provider.slow", took_ms=1200)
    logging.getLogger("theirs").warning("took %d ms", 1200)
    ours, theirs = lines()
    assert (ours["event"], ours["took_ms"], ours["logger"]) == ("provider.slow", 1200, "ours")
    assert (theirs["event"], theirs["level"]) == ("took 1200 ms", "warning")


def test_secrets_are_taken_out_of_messages_fields_and_tracebacks(lines: Any):
    log = structlog.get_logger("ours")
    log.error(f"refused {CANARY}", header=f"Bearer {CANARY}", nested={"deep": [CANARY]})
    try:
        raise ValueError(f"no such key: {CANARY}")
    except ValueError:
        log.exception("provider.failed")
        logging.getLogger("theirs").exception("failed")
    assert len(lines()) == 3
    assert CANARY not in json.dumps(lines())


def test_fields_that_carry_secrets_or_bodies_are_removed_whole(lines: Any):
    structlog.get_logger("ours").error("x", authorization="any", body={"a": 1}, Password="p")
    [line] = lines()
    assert line["authorization"] == line["body"] == line["Password"] == logs.REMOVED


def test_identifiers_survive(lines: Any):
    trace_id = "0197aa30-1e7c-7d35-b1c2-1a2b3c4d5e6f"
    structlog.get_logger("ours").error("request.crashed", trace_id=trace_id)
    assert lines()[0]["trace_id"] == trace_id
