"""Caps in the decision: which ones count a request, what they do as they fill, what is held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routerctl.engine.caps import balance_of, compile_caps
from routerctl.engine.record import DecisionRecord, decide_again, decode, encode
from routerctl.engine.specs import CapSpec
from routerctl.engine.types import TextReading
from tests.engine.builders import ask, chain, deployment, gate, price, request, revision, route

CHEAP = deployment("cheap", prices=(price(1, 4),), quality={"default": 600})
DEAR = deployment("dear", prices=(price(10, 40, id=2),), quality={"default": 900})
FREE = deployment("free", prices=(price(0, 0, id=3),), quality={"default": 500})
UNPRICED = deployment("unpriced", prices=())


def cap(slug="daily", **facts):
    limits = ("limit_nano_usd", "limit_tokens", "limit_requests")
    if not any(name in facts for name in limits):
        facts["limit_nano_usd"] = 1_000_000_000
    return CapSpec(slug=slug, **facts)


def do(at_percent, action, **amount):
    return {"at_percent": at_percent, "do": action, **amount}


def policy(*caps, candidates=("dear", "cheap"), **facts):
    known = (CHEAP, DEAR, FREE, UNPRICED)
    return revision(route(*candidates, **facts), deployments=known, caps=caps)


def decided(revision, balances=None, **facts):
    return ask(revision, balances=balances, **facts)


def counted(decision):
    return [use.cap for use in decision.caps]


# --------------------------------------------------------------------------- which caps count


@pytest.mark.parametrize(
    ("scope", "counts"),
    [
        ({}, True),
        ({"feature": "chat"}, True),
        ({"feature": ("other", "chat")}, True),
        ({"feature": "other"}, False),
        ({"feature": "chat", "plan": "free"}, True),
        ({"feature": "chat", "plan": "pro"}, False),
        ({"tenant": "acme"}, True),
        ({"task": "chat"}, True),
        ({"route": "main"}, True),
        ({"route": "another"}, False),
        ({"app": "ios"}, True),
        ({"key": "k3qfa9zt"}, True),
    ],
)
def test_a_cap_counts_requests_that_are_all_it_names(scope, counts):
    asked = {"feature": "chat", "plan": "free", "tenant": "acme", "app": "ios", "key": "k3qfa9zt"}
    assert counted(decided(policy(cap(scope=scope)), **asked)) == (["daily"] if counts else [])


def test_caps_stand_in_the_order_in_which_they_are_written():
    caps = (cap("b", scope={"plan": "free"}), cap("a"), cap("c", scope={"plan": "free"}))
    assert counted(decided(policy(*caps), plan="free")) == ["b", "a", "c"]


def test_a_window_is_chosen_by_the_values_it_is_per():
    per = cap(per=("tenant", "metadata.ticket"))
    decision = decided(policy(per), tenant="acme", metadata={"ticket": "T-88"})
    assert decision.caps[0].key == ("acme", "T-88")


def test_requests_without_the_value_share_a_window_unless_they_are_skipped():
    assert decided(policy(cap(per=("user",)))).caps[0].key == ("",)
    assert decided(policy(cap(per=("user",), missing="skip"))).caps == ()


@given(st.lists(st.sampled_from(["feature", "plan", "tenant"]), unique=True), st.integers(0, 7))
def test_the_index_finds_what_looking_at_every_cap_would(named, bits):
    values = {"feature": "f", "plan": "p", "tenant": "t"}
    scope = {
        name: values[name] if bits >> place & 1 else "elsewhere" for place, name in enumerate(named)
    }
    expected = all(scope[name] == values[name] for name in named)
    assert bool(counted(decided(policy(cap(scope=scope)), **values))) == expected


def test_no_caps_make_an_empty_index():
    assert not compile_caps(())


# --------------------------------------------------------------------------- what is held


def test_each_step_says_what_it_can_take_of_each_cap():
    caps = (
        cap("money"),
        cap("tokens", limit_tokens=10_000),
        cap("requests", limit_requests=5),
        cap("strong", scope={"deployment": "dear"}, limit_requests=1),
    )
    dear, cheap = decided(policy(*caps), text_bytes=100).steps
    assert dear.amounts == (
        dear.cost_bound_nano_usd,
        dear.input_tokens_bound + dear.max_output_tokens,
        1,
        1,
    )
    assert cheap.amounts[3] == 0


def test_a_free_model_takes_nothing_of_a_limit_of_money():
    (step,) = decided(policy(cap(), candidates=("free",))).steps
    assert step.amounts == (0,)


def test_without_a_price_nobody_is_asked_under_a_limit_of_money():
    decision = decided(policy(cap(), candidates=("unpriced", "cheap")))
    assert chain(decision) == ["cheap"]
    assert [reason.code for reason in decision.candidates[0].reasons] == ["unpriced"]


def test_without_a_price_a_limit_of_requests_can_be_kept():
    decision = decided(policy(cap(limit_requests=3), candidates=("unpriced",)))
    assert decision.steps[0].amounts == (1,)


# --------------------------------------------------------------------------- on the way there

WARNED = {"daily": 850}


def test_below_its_thresholds_a_cap_changes_nothing():
    acts = cap(actions=(do(80, "cheaper"),))
    full, empty = policy(acts), policy()
    assert chain(decided(full, {"daily": 790})) == chain(decided(empty))


def test_a_warning_is_told_and_changes_nothing_else():
    decision = decided(policy(cap(actions=(do(80, "warn"),))), WARNED)
    assert decision.caps[0].did == ("warn",)
    assert decision.lessened == ()
    assert chain(decision) == ["dear", "cheap"]


def test_cheaper_leaves_the_cheapest_that_reaches_the_floor():
    acts = cap(actions=(do(80, "cheaper"),))
    decision = decided(
        policy(acts, candidates=("dear", "cheap", "free"), quality_floor=550), WARNED
    )
    assert chain(decision) == ["cheap"]
    assert [one.action for one in decision.lessened] == ["cheaper"]
    assert decision.candidates[0].reasons[0].code == "cap:daily"


def test_cheaper_with_only_one_choice_takes_nothing_away():
    acts = cap(actions=(do(80, "cheaper"),))
    assert decided(policy(acts, candidates=("cheap",)), WARNED).lessened == ()


def test_limit_output_shortens_answers_and_what_is_held_for_them():
    acts = cap(actions=(do(80, "limit_output", max_output_tokens=100),))
    before, after = decided(policy(acts)), decided(policy(acts), WARNED)
    assert after.steps[0].max_output_tokens == 100
    assert after.steps[0].amounts < before.steps[0].amounts
    assert [one.action for one in after.lessened] == ["limited"]


def test_shorten_drops_the_oldest_turns_until_the_input_fits():
    acts = cap(actions=(do(80, "shorten", input_tokens=100),))
    long = {"text_bytes": 1000, "turn_bytes": (300, 300, 100)}
    before, after = decided(policy(acts), **long), decided(policy(acts), WARNED, **long)
    assert (before.drop_turns, after.drop_turns) == (0, 2)
    assert after.steps[0].input_tokens_bound == before.steps[0].input_tokens_bound - 600
    assert [one.action for one in after.lessened] == ["shortened"]


def test_the_last_user_message_is_never_dropped():
    acts = cap(actions=(do(80, "shorten", input_tokens=1),))
    decision = decided(policy(acts), WARNED, text_bytes=1000, turn_bytes=(100,))
    assert decision.drop_turns == 1
    assert decision.steps


def test_a_stop_before_the_limit_turns_away_whom_it_counts():
    acts = cap(scope={"deployment": "dear"}, actions=(do(80, "stop"),))
    decision = decided(policy(acts), WARNED)
    assert chain(decision) == ["cheap"]


def test_when_a_cap_stops_everybody_it_is_the_cap_that_refuses():
    decision = decided(policy(cap(actions=(do(80, "stop"),))), WARNED)
    assert decision.refusal.code == "cap_reached"
    assert "daily" in decision.refusal.message


def test_a_stop_lets_pass_what_costs_nothing():
    acts = cap(actions=(do(80, "stop"),))
    decision = decided(policy(acts, candidates=("dear", "free")), WARNED)
    assert chain(decision) == ["free"]


@pytest.mark.parametrize("action", ["stop", "cheaper"])
def test_at_the_limit_itself_the_ledger_decides(action):
    decision = decided(policy(cap(actions=(do(100, action),))), {"daily": 1000})
    assert chain(decision) == ["dear", "cheap"]


# --------------------------------------------------------------------------- per request


def test_a_ceiling_of_money_per_request_leaves_room_for_a_shorter_answer():
    ceiling = cap(period="request", limit_nano_usd=20_000_000)
    (step,) = decided(policy(ceiling, candidates=("dear",)), text_bytes=100).steps
    assert step.cost_bound_nano_usd <= 20_000_000
    assert step.amounts == (0,)


def test_a_request_that_cannot_stay_under_its_ceiling_is_refused_by_it():
    ceiling = cap(period="request", limit_nano_usd=1_000)
    decision = decided(policy(ceiling, candidates=("dear",)), text_bytes=100)
    assert decision.refusal.code == "cap_reached"


@pytest.mark.parametrize(("limit", "asked"), [(0, []), (1, ["dear", "cheap"])])
def test_no_request_at_all_is_a_limit_too(limit, asked):
    ceiling = cap(period="request", limit_requests=limit)
    assert chain(decided(policy(ceiling))) == asked


def test_a_ceiling_of_tokens_counts_what_is_sent():
    ceiling = cap(period="request", limit_tokens=1_000)
    (step,) = decided(policy(ceiling, candidates=("cheap",)), text_bytes=400).steps
    assert step.input_tokens_bound + step.max_output_tokens <= 1_000


# --------------------------------------------------------------------------- beside gates


def test_who_is_asked_beyond_the_route_is_counted_by_the_same_caps():
    unsigned = gate(require={"region": "eu"}, otherwise="downgrade")
    abroad = deployment("abroad", region="eu", prices=(price(2, 8, id=4),))
    known = revision(route("cheap"), deployments=(CHEAP, abroad), gates=(unsigned,), caps=(cap(),))
    (step,) = ask(known).steps
    assert (step.deployment, step.amounts) == ("abroad", (step.cost_bound_nano_usd,))


def test_a_decision_under_caps_can_be_made_again_from_its_record():
    acts = cap(per=("tenant",), actions=(do(80, "cheaper"),))
    known = policy(acts)
    decision = ask(known, balances={balance_of("daily", ("acme",)): 900}, tenant="acme")
    asked = request(tenant="acme")
    kept = decode(encode(DecisionRecord(asked, TextReading(), decision)))
    assert decide_again(kept, known) == decision
    assert decision.lessened
