"""How much another deployment may still say when it goes on from what was told."""

from apps.gateway.live import Endpoint
from apps.gateway.recovery import Told, carried_on
from routerctl.engine.pricing import bound_nano_usd
from routerctl.engine.types import Step
from routerctl.providers import ADAPTERS
from routerctl.providers.ports import Target
from routerctl.providers.types import Message, ModelRequest, Text, TextDelta, ThinkingDelta
from tests.engine.builders import deployment, price

PRICE = price(2, 8, id=1)
ENDPOINT = Endpoint(
    deployment("a", prices=(PRICE,), capabilities=("streaming", "prefill")),
    ADAPTERS["openai"],
    Target("https://a.example", None, "a"),
)
CHAT = ModelRequest(messages=(Message("user", (Text("Hello"),)),))


def told(*texts: str) -> Told:
    made = Told()
    made.saw([TextDelta(text) for text in texts])
    return made


def step(*amounts: int, most: int = 1000) -> Step:
    return Step("a", most, 100, bound_nano_usd(PRICE, 100, most), 1, amounts)


def test_what_goes_on_costs_no_more_than_was_held() -> None:
    for amounts in ((), (1100,)):
        before = step(*amounts)
        on = carried_on(CHAT, told("a" * 400), ENDPOINT, before)
        assert on is not None
        after = on[1]
        assert after.input_tokens_bound == 500
        cost = bound_nano_usd(PRICE, after.input_tokens_bound, after.max_output_tokens)
        assert cost <= before.cost_bound_nano_usd
        assert after.max_output_tokens == (600 if amounts else 900)


def test_where_too_little_is_left_it_does_not_go_on() -> None:
    assert carried_on(CHAT, told("a" * 950), ENDPOINT, step(1100)) is None


def test_what_was_not_only_text_does_not_go_on() -> None:
    mixed = told("Hello")
    mixed.saw([ThinkingDelta("hm")])
    assert carried_on(CHAT, mixed, ENDPOINT, step()) is None
    assert carried_on(CHAT, told(" "), ENDPOINT, step()) is None


def test_it_follows_on_what_the_client_began_the_answer_with() -> None:
    begun = ModelRequest(messages=(*CHAT.messages, Message("assistant", (Text("Dear"),))))
    on = carried_on(begun, told(" Ms", " Lee "), ENDPOINT, step())
    assert on is not None
    assert on[0].messages[-1] == Message("assistant", (Text("Dear"), Text(" Ms Lee")))


def test_a_space_between_is_said_once() -> None:
    spaced = told("Hello ")
    spaced.goes_on()
    assert spaced.saw([TextDelta(" "), TextDelta(" world")]) == [TextDelta(""), TextDelta(" world")]
    assert spaced.saw([TextDelta(" world")]) == [TextDelta("world")]
    assert spaced.saw([TextDelta(" !")]) == [TextDelta(" !")]
