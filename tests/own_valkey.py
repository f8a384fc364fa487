"""A Valkey that one test has for itself, to stop."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from routerctl.embedded import place as places
from routerctl.embedded import valkey


class OwnValkey:
    """`url` names its first database."""

    def __init__(self, place: places.Place) -> None:
        self.url = valkey.url(place)
        self._place = place

    def start(self) -> None:
        """Returns when it answers."""
        valkey.ensure_running(self._place)

    def stop(self) -> None:
        valkey.stop(self._place)


@contextlib.contextmanager
def own_valkey(directory: Path) -> Iterator[OwnValkey]:
    """A running server with its files in, or belonging to, `directory`; gone afterwards."""
    directory.mkdir(exist_ok=True)
    place = places.find_place(directory)
    own = OwnValkey(place)
    own.start()
    try:
        yield own
    finally:
        own.stop()
        shutil.rmtree(place.home, ignore_errors=True)
        shutil.rmtree(place.sockets, ignore_errors=True)
