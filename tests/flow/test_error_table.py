"""Every class of provider error, from every vendor, whole and streamed: who is asked how often,
what the caller is told, what stands on the trace."""

from typing import NamedTuple

import pytest

from routerctl.providers.errors import RULES
from tests.flow.client import Answer, Client, called
from tests.flow.conftest import BOTH_WAYS, VENDORS
from tests.processes import Mock

EVERY_VENDOR = pytest.mark.parametrize("vendor", VENDORS)


class Row(NamedTuple):
    """What the vendor does, the class that it is, how often the vendor is asked, whether another
    deployment answers, and what the caller is told if none is there."""

    fault: str
    error_class: str
    asked: int
    falls_back: bool
    status: int
    code: str
    asked_alone: int = 0

    @property
    def alone(self) -> int:
        return self.asked_alone or self.asked


TABLE = [
    Row("status=500", "server", 2, True, 502, "provider_error"),
    Row("status=502 page", "server", 2, True, 502, "provider_error"),
    Row("status=504", "server", 2, True, 502, "provider_error"),
    Row("status=503", "overloaded", 1, True, 502, "provider_error", 2),
    Row("status=529", "overloaded", 1, True, 502, "provider_error", 2),
    Row("status=503 retry_after=9", "overloaded", 1, True, 502, "provider_error"),
    Row("status=429", "rate_limited", 1, True, 429, "provider_rate_limited"),
    Row("status=429 retry_after=7", "rate_limited", 1, True, 429, "provider_rate_limited"),
    Row("status=429 retry_after=1", "rate_limited", 2, True, 429, "provider_rate_limited"),
    Row("status=402", "quota", 1, True, 429, "provider_rate_limited"),
    Row("status=401", "auth", 1, True, 502, "provider_auth"),
    Row("status=403", "auth", 1, True, 502, "provider_auth"),
    Row("status=404", "model_gone", 1, True, 502, "provider_error"),
    Row("status=400", "invalid_request", 1, False, 400, "invalid_request"),
    Row("status=422", "invalid_request", 1, False, 400, "invalid_request"),
    Row("status=413", "context_length", 1, False, 413, "context_too_long"),
    Row("status=400 code=context_length_exceeded", "context_length", 1, False, 413,
        "context_too_long"),
    Row("status=400 code=content_policy_violation", "content_policy", 1, False, 422,
        "content_refused"),
    Row("silent", "timeout", 1, True, 504, "provider_timeout"),
    Row("empty", "", 1, True, 502, "provider_error"),
]  # fmt: skip

WHOLE = [
    Row("cut=1", "truncated", 1, True, 502, "provider_error"),
    Row("broken=1", "malformed", 1, True, 502, "provider_error"),
]
"""What becomes of an answer that is not streamed."""

IN_STREAM = [
    Row("cut=4", "truncated", 1, False, 200, "provider_error"),
    Row("stall=4", "stalled", 1, False, 200, "provider_timeout"),
    Row("broken=4", "malformed", 1, False, 200, "provider_error"),
    Row("open_ended", "truncated", 1, False, 200, "provider_error"),
    Row("error_after=4 code=overloaded_error", "overloaded", 1, False, 200, "provider_error"),
]
"""What happens after the first token."""


def ids(rows: list[Row]) -> list[str]:
    return [row.fault for row in rows]


def ask(client: Client, feature: str, fault: str, vendor: str, stream: bool) -> Answer:
    return client.ask("native", feature, f"Hello [mock only=acme-{vendor} {fault}]", stream=stream)


def expect(
    client: Client, answer: Answer, mock: Mock, row: Row, asked: list[str], failed: int
) -> None:
    """`asked` were called, of which the first `failed` ended as `row` says."""
    assert called(mock) == asked
    made = client.trace(answer)["attempts"]
    assert [attempt["deployment"].split("/")[0] for attempt in made] == asked
    classes = [attempt["error_class"] for attempt in made]
    assert classes[failed:] == [None] * (len(asked) - failed)
    if row.error_class:
        assert classes[:failed] == [row.error_class] * failed
    else:
        assert set(classes[:failed]) <= {"malformed", "truncated"}


@pytest.mark.parametrize("row", TABLE, ids=ids(TABLE))
@EVERY_VENDOR
@BOTH_WAYS
def test_with_another_deployment_on_the_route(
    row: Row, vendor: str, stream: bool, client: Client, mock: Mock
) -> None:
    answer = ask(client, f"table-{vendor}", row.fault, vendor, stream)
    asked = [f"acme-{vendor}"] * row.asked + ["second"] * row.falls_back
    expect(client, answer, mock, row, asked, row.asked)
    if row.falls_back:
        assert (answer.status_code, answer.last["status"]) == (200, "degraded")
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (row.status, row.code)
        assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("row", TABLE, ids=ids(TABLE))
@EVERY_VENDOR
@BOTH_WAYS
def test_with_nobody_else(row: Row, vendor: str, stream: bool, client: Client, mock: Mock) -> None:
    answer = ask(client, f"alone-{vendor}", row.fault, vendor, stream)
    expect(client, answer, mock, row, [f"acme-{vendor}"] * row.alone, row.alone)
    assert (answer.status_code, answer.json()["error"]["code"]) == (row.status, row.code)
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("row", WHOLE, ids=ids(WHOLE))
@EVERY_VENDOR
def test_a_whole_answer_that_breaks_is_asked_of_another(
    row: Row, vendor: str, client: Client, mock: Mock
) -> None:
    answer = ask(client, f"table-{vendor}", row.fault, vendor, stream=False)
    expect(client, answer, mock, row, [f"acme-{vendor}", "second"], 1)
    assert answer.json()["status"] == "degraded"


@pytest.mark.parametrize("row", IN_STREAM, ids=ids(IN_STREAM))
@EVERY_VENDOR
def test_a_stream_that_breaks_after_its_first_token_says_so(
    row: Row, vendor: str, client: Client, mock: Mock
) -> None:
    answer = ask(client, f"table-{vendor}", f"words=40 {row.fault}", vendor, stream=True)
    assert answer.status_code == 200
    assert answer.names[-1] == "error"
    assert "done" not in answer.names
    assert answer.last["error"]["code"] == row.code
    expect(client, answer, mock, row, [f"acme-{vendor}"], 1)
    assert client.trace(answer)["status"] == "failed"


@EVERY_VENDOR
@BOTH_WAYS
def test_who_cannot_be_reached_is_tried_twice(
    vendor: str, stream: bool, client: Client, mock: Mock
) -> None:
    answer = client.ask("native", f"deaf-{vendor}", stream=stream)
    assert answer.last["status"] == "degraded"
    assert called(mock) == ["second"]
    made = client.trace(answer)["attempts"]
    assert [attempt["error_class"] for attempt in made] == ["connect", "connect", None]


@EVERY_VENDOR
@BOTH_WAYS
def test_what_is_too_long_for_one_goes_to_a_larger_window(
    vendor: str, stream: bool, client: Client, mock: Mock
) -> None:
    answer = ask(client, f"larger-{vendor}", "status=413", vendor, stream)
    assert answer.last["status"] == "degraded"
    assert called(mock) == [f"acme-{vendor}", "first"]


@EVERY_VENDOR
@BOTH_WAYS
def test_a_provider_that_says_when_to_come_back_is_waited_for_once(
    vendor: str, stream: bool, client: Client, mock: Mock
) -> None:
    fault = "status=429 retry_after=1 times=1"
    answer = ask(client, f"table-{vendor}", fault, vendor, stream)
    assert answer.last["status"] == "succeeded"
    assert called(mock) == [f"acme-{vendor}"] * 2


def test_no_class_is_without_a_row() -> None:
    rows = {row.error_class for row in (*TABLE, *WHOLE, *IN_STREAM)} - {""}
    elsewhere = {"connect", "blocked_origin"}  # here above, and in tests/providers
    assert rows | elsewhere == set(RULES)
