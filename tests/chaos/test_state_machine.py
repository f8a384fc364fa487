"""The ledger's state machine for minutes: caps in five time zones, clocks that jump over both
nights on which they change, kills, reaps, late settlements and limits that move."""

import pytest

from tests.apps.ledger import machine
from tests.apps.ledger.stored import Stored

pytestmark = pytest.mark.chaos

EXAMPLES = 500
STEPS = 50


def test_five_hundred_histories_of_fifty_events_agree_with_the_model(stored: Stored) -> None:
    machine.run(stored, examples=EXAMPLES, steps=STEPS)
