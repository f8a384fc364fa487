"""Positions in a list, with gaps."""

from hypothesis import given
from hypothesis import strategies as st

from apps.policies.ordering import GAP, positions


def test_a_new_entry_in_the_middle_moves_nobody() -> None:
    held = {"a": GAP, "b": 2 * GAP}
    placed = positions(["a", "new", "b"], held)
    assert placed["a"] == GAP
    assert placed["b"] == 2 * GAP
    assert GAP < placed["new"] < 2 * GAP


def test_the_last_entry_brought_to_the_front_moves_alone() -> None:
    held = {"a": GAP, "b": 2 * GAP, "c": 3 * GAP}
    placed = positions(["c", "a", "b"], held)
    assert (placed["a"], placed["b"]) == (held["a"], held["b"])
    assert placed["c"] < placed["a"]


def test_when_no_room_is_left_all_are_placed_anew() -> None:
    assert positions(["a", "new", "b"], {"a": 1, "b": 2}) == {
        "a": GAP,
        "new": 2 * GAP,
        "b": 3 * GAP,
    }


@given(
    st.permutations("abcdefgh").flatmap(lambda order: st.tuples(st.just(order), st.integers(0, 8))),
    st.dictionaries(st.sampled_from("abcdefghxyz"), st.integers(-50, 50)),
)
def test_positions_always_rise_in_the_wanted_order(
    wanted: tuple[list[str], int], held: dict[str, int]
) -> None:
    order, count = wanted
    order = order[:count]
    unique = {slug: place for slug, place in held.items() if list(held.values()).count(place) == 1}
    placed = positions(order, unique)
    assert [slug for slug, _ in sorted(placed.items(), key=lambda item: item[1])] == order
    assert len(set(placed.values())) == count
