"""What would be decided if a cap were so full, whatever its windows say."""

import dataclasses
from collections.abc import Iterator, Mapping

import msgspec

from routerctl.engine.caps import PERMILLE, compile_caps
from routerctl.engine.revision import Revision
from routerctl.engine.specs import CapSpec


class Assumed(Mapping[str, int]):
    """Balances in which every window of one cap is used by so many `permille`."""

    def __init__(self, balances: Mapping[str, int], cap: str, permille: int) -> None:
        self._balances, self._cap, self._permille = balances, cap, permille

    def __getitem__(self, name: str) -> int:
        cap, _, _ = name.partition("\0")
        return self._permille if cap == self._cap else self._balances[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._balances)

    def __len__(self) -> int:
        return len(self._balances)


def as_if_full(spec: CapSpec) -> CapSpec:
    """`spec` with what the ledger does at its limit as an action like others."""
    stop: dict[str, str | int] = {"at_percent": 99, "do": "stop"}
    return msgspec.structs.replace(spec, actions=(*spec.actions, stop))


def with_full(revision: Revision, cap: str, permille: int) -> Revision:
    """`revision` in which that cap does what happens at its limit, too, if it is that full."""
    if permille < PERMILLE:
        return revision
    caps = [as_if_full(one) if one.slug == cap else one for one in revision.document.caps]
    return dataclasses.replace(revision, caps=compile_caps(caps))
