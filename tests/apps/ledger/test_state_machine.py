"""The ledger's state machine, as long as a test run can bear; tests/chaos has the long form."""

from tests.apps.ledger import machine
from tests.apps.ledger.stored import Stored


def test_any_order_of_events_leaves_one_trace_for_each_admission(stored: Stored) -> None:
    machine.run(stored, examples=40, steps=40)
