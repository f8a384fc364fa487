"""A decision on paper, and the same decision made again from it."""

import msgspec
import pytest

from routerctl.engine import record
from routerctl.engine.record import DecisionRecord, decide_again
from routerctl.engine.types import DeploymentHealth, RoutingRequest, Sensitivity, TextReading
from tests.engine.builders import ask, chain, deployment, gate, revision, route


def test_a_record_reads_back_as_it_was_written() -> None:
    decision = ask(revision(route("a", "b")), health={"a": DeploymentHealth(latency_ms=5)})
    written = DecisionRecord(RoutingRequest(), TextReading(truths={"x": False}), decision)
    assert record.decode(record.encode(written)) == written


def test_defaults_are_left_out_of_a_record() -> None:
    written = DecisionRecord(RoutingRequest(), TextReading(), ask(revision(route("a"))))
    plain = msgspec.json.decode(record.encode(written))
    assert plain["request"] == {}
    assert plain["reading"] == {}
    assert "before_redaction" not in plain["decision"]
    assert len(record.encode(written)) < 800


def test_another_revision_decides_the_same_request_its_own_way() -> None:
    decision = ask(revision(route("a", "b")))
    stored = DecisionRecord(RoutingRequest(text_bytes=400, draw="t"), TextReading(), decision)
    assert chain(decide_again(stored, revision(route("b", "a")))) == ["b", "a"]


def test_the_health_before_redaction_is_kept_for_the_replay() -> None:
    revised = revision(
        route("good", "bad", slug="careful", when={"sensitivity": "pii"}),
        route("other", slug="rest"),
        deployments=(deployment("good", region="eu"),),
        gates=(gate(when={"sensitivity": "pii"}, require={"region": "eu"}, otherwise="redact"),),
    )
    reading = TextReading(sensitivity=Sensitivity.PII, personal_data=("email",))
    asked = RoutingRequest(text_bytes=400, draw="trace-1")
    decision = ask(revised, reading, health={"good": DeploymentHealth(available=False)})
    assert (decision.route, decision.redact) == ("rest", ("personal_data",))
    stored = record.decode(record.encode(DecisionRecord(asked, reading, decision)))
    assert decide_again(stored, revised) == decision


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        record.decode(b'{"request": 1}')
