"""A PostgreSQL that one test has for itself, to stop and to crash."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from routerctl.embedded import place as places
from routerctl.embedded import postgres


class OwnPostgres:
    """`url` names its first database."""

    def __init__(self, place: places.Place) -> None:
        self.url = postgres.url(place)
        self._place = place

    def start(self) -> None:
        """Returns when it answers."""
        postgres.ensure_running(self._place)

    def stop(self, mode: str = "fast") -> None:
        """`fast` says goodbye to clients, `immediate` is a crash: nothing is flushed or told."""
        data = self._place.home / "postgres"
        programs = self._place.postgres_programs
        self._place.run(programs / "pg_ctl", "-D", data, "-m", mode, "-w", "stop")


@contextlib.contextmanager
def own_postgres(directory: Path) -> Iterator[OwnPostgres]:
    """A running server with its files in, or belonging to, `directory`; gone afterwards."""
    directory.mkdir(exist_ok=True)
    place = places.find_place(directory)
    own = OwnPostgres(place)
    own.start()
    try:
        yield own
    finally:
        own.stop("immediate")
        shutil.rmtree(place.home, ignore_errors=True)
        shutil.rmtree(place.sockets, ignore_errors=True)
