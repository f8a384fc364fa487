from uuid import UUID

import pytest

from apps.dashboards.find import pasted_trace_id

ID = "0199d3a1-7c00-7000-8000-000000000001"
HEX = ID.replace("-", "")


@pytest.mark.parametrize(
    "pasted",
    [
        ID,
        HEX,
        ID.upper(),
        f"https://router.example.com/t/{ID}?from=mail#verdict",
        f"X-Trace-Id: {ID}",
        f"00-{HEX}-00f067aa0ba902b7-01",
        f"chatcmpl-{HEX}",
        f'{{"trace_id": "{ID}"}}',
        f"Ticket 4711, see {HEX}.",
    ],
)
def test_a_trace_id_is_found_in_whatever_was_pasted(pasted):
    assert pasted_trace_id(pasted) == UUID(ID)


@pytest.mark.parametrize(
    "pasted", ["", "where is my order", HEX[:-1], HEX + "0", ID[:-1], "g" * 32, "req_b81d07e5f2"]
)
def test_what_holds_no_trace_id_finds_none(pasted):
    assert pasted_trace_id(pasted) is None
