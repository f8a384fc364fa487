"""The revision that a process decides by when it is asked what it would do: the live one,
compiled once per hash."""

import threading

from apps.policies import live
from routerctl.engine.errors import RouterError
from routerctl.engine.revision import Revision, compile_revision
from routerctl.wire.types import Vocabulary


class _Compiled:
    """This process's newest revision, compiled again when another hash is in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._revision: Revision | None = None

    def current(self) -> Revision:
        latest = live.latest()
        if latest is None:
            raise RouterError("overloaded", "No configuration is published yet.", retry_after_s=1)
        with self._lock:
            if self._revision is None or self._revision.hash != latest[1]:
                found = live.load_document(latest[1])
                assert found is not None, "revisions are never deleted"
                self._revision = compile_revision(found[2])
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
