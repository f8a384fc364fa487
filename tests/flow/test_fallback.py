"""When a provider fails before its first token, the next candidate answers, and nobody hides it."""

import pytest

from tests.flow.client import DOORS, Client, Json
from tests.processes import Mock

EVERY_DOOR = pytest.mark.parametrize("door", DOORS)


def attempts(trace: Json) -> list[tuple[str, str, str | None]]:
    return [(a["deployment"], a["outcome"], a["error_class"]) for a in trace["attempts"]]


def called(mock: Mock) -> list[str]:
    return [call["provider"] for call in mock.calls()]


FAULTS = {
    "status=503": "overloaded",
    "status=429 retry_after=7": "rate_limited",
    "status=401": "auth",
    "status=404": "model_gone",
    "silent": "timeout",
}


@pytest.mark.parametrize(("fault", "error_class"), FAULTS.items(), ids=list(FAULTS))
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_next_candidate_answers(
    fault: str, error_class: str, stream: bool, client: Client, mock: Mock
) -> None:
    text = f"Hello [mock only=first {fault}]"
    ask = client.stream if stream else client.ask
    answer = ask("native", "impatient", text)
    assert answer.status_code == 200
    assert answer.headers["x-degraded"] == "fallback"
    told = answer.events[-1][1] if stream else answer.json()
    assert told["status"] == "degraded"
    assert told["degraded"] == {
        "reason": error_class,
        "action": "fallback",
        "message": told["degraded"]["message"],
    }
    trace = client.trace(answer)
    assert attempts(trace) == [
        ("first/one", "failed", error_class),
        ("second/one", "succeeded", None),
    ]
    assert (trace["status"], trace["deployment"]) == ("degraded", "second/one")
