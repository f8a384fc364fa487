"""What the caps that count a request do to it: the registry of actions, and their sum.

An action is one function from what caps do so far to what they do with it. At a cap's limit it is
the ledger that refuses; actions are for the way there.
"""

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from routerctl.engine.caps import Action, Cap, CapIndex, balance_of, key_of, use_of
from routerctl.engine.case import Case
from routerctl.engine.types import CapUse


class Pressed(Struct, frozen=True):
    """What caps do to one request. `caps` and `uses` belong together, in the caps' order.

    `cheaper`: the cap for whose sake only the cheapest may answer. `output` and `input`: the most
    tokens that may be written and sent, and whose word that is. `stopped`: those whose deployments
    are no longer asked.
    """

    caps: tuple[Cap, ...] = ()
    uses: tuple[CapUse, ...] = ()
    cheaper: Cap | None = None
    output: tuple[int, Cap] | None = None
    input: tuple[int, Cap] | None = None
    stopped: tuple[Cap, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.caps)

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(use.cap for use in self.uses if "warn" in use.did)


NO_CAPS = Pressed()

CapAction = Callable[[Pressed, Cap, Action], Pressed]


def press(case: Case, route: str, caps: CapIndex, balances: Mapping[str, int]) -> Pressed:
    """The caps that count `case` on `route`, and what they do at `balances` (permille used, by
    `balance_of`)."""
    counting = []
    for cap in caps.counting(case, route):
        key = key_of(cap, case)
        if key is not None:
            counting.append((cap, key))
    if not counting:
        return NO_CAPS
    uses = [use_of(cap, key, balances.get(balance_of(cap.slug, key), 0)) for cap, key in counting]
    pressed = Pressed(tuple([cap for cap, _ in counting]), tuple(uses))
    if any(use.did for use in uses):
        pressed = _acted(pressed)
    return pressed


def _acted(pressed: Pressed) -> Pressed:
    for cap, use in zip(pressed.caps, pressed.uses, strict=True):
        for action in cap.actions:
            if action.do in use.did:
                pressed = CAP_ACTIONS[action.do](pressed, cap, action)
    return pressed


def warn(pressed: Pressed, _cap: Cap, _action: Action) -> Pressed:
    """Stands in the answer's safety flags, from what is `due`."""
    return pressed


def cheaper(pressed: Pressed, cap: Cap, _action: Action) -> Pressed:
    return pressed if pressed.cheaper else msgspec.structs.replace(pressed, cheaper=cap)


def limit_output(pressed: Pressed, cap: Cap, action: Action) -> Pressed:
    if pressed.output is not None and pressed.output[0] <= action.tokens:
        return pressed
    return msgspec.structs.replace(pressed, output=(action.tokens, cap))


def shorten(pressed: Pressed, cap: Cap, action: Action) -> Pressed:
    if pressed.input is not None and pressed.input[0] <= action.tokens:
        return pressed
    return msgspec.structs.replace(pressed, input=(action.tokens, cap))


def stop(pressed: Pressed, cap: Cap, _action: Action) -> Pressed:
    return msgspec.structs.replace(pressed, stopped=(*pressed.stopped, cap))


CAP_ACTIONS: dict[str, CapAction] = {
    "warn": warn,
    "cheaper": cheaper,
    "shorten": shorten,
    "limit_output": limit_output,
    "stop": stop,
}
