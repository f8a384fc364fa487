"""The revision this door decides by: the live one, compiled once per hash."""

import threading

from apps.policies import live
from routerctl.engine.errors import RouterError
from routerctl.engine.revision import Revision, compile_revision
from routerctl.wire.types import Vocabulary


class _Compiled:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._id: int | None = None
        self._revision: Revision | None = None

    def current(self) -> Revision:
        """Raises RouterError overloaded while nothing was ever published."""
        latest = live.latest()
        with self._lock:
            if self._revision is None or latest != self._id:
                found = live.load_document()
                if found is None:
                    raise RouterError("overloaded", "No configuration is published yet.")
                self._id, _, document = found
                self._revision = compile_revision(document)
            return self._revision


_compiled = _Compiled()


def current_revision() -> Revision:
    """The live revision. Raises RouterError overloaded while nothing was ever published."""
    return _compiled.current()


def vocabulary(revision: Revision) -> Vocabulary:
    """The words that a request may use."""
    document = revision.document
    return Vocabulary(
        tasks=frozenset(document.tasks),
        features=frozenset(feature.slug for feature in document.features),
        plans=frozenset(document.plans),
    )
