"""First stage: labels. What the client says beats what the text suggests."""

from routerctl.engine.case import Case, estimated_tokens
from routerctl.engine.flags import flag_states
from routerctl.engine.revision import Revision
from routerctl.engine.types import RoutingRequest, TextReading

DEFAULT_TASK = "chat"
SURE_ENOUGH = 500
"""Thousandths: a task type inferred with less is not believed."""


def classify(
    request: RoutingRequest, reading: TextReading, revision: Revision, moment_ms: int
) -> Case:
    """`request` with its labels: task type, sensitivity, difficulty, needs, flags.

    Personal data in the text raises the sensitivity; nothing lowers what the client declared.
    """
    if request.task is not None:
        task, source, why = request.task, "client", ""
    else:
        task, source, why = _inferred(reading, revision.tasks)
    flags, draws = flag_states(request, revision.flags_in_conditions)
    found = reading.sensitivity
    return Case(
        revision=revision.hash,
        moment_ms=moment_ms,
        request=request,
        reading=reading,
        task=task,
        task_source=source,
        task_reason=why,
        sensitivity=found if found.rank > request.sensitivity.rank else request.sensitivity,
        difficulty=reading.difficulty,
        input_tokens=estimated_tokens(request.text_bytes),
        needs=_needs(request),
        flags=flags,
        draws=draws,
    )


def _inferred(reading: TextReading, tasks: tuple[str, ...]) -> tuple[str, str, str]:
    """(task, source, reason) for a request without a label."""
    if reading.task_scores:
        likely = {task: score for task, score in reading.task_scores.items() if task in tasks}
        best = max(likely, key=likely.__getitem__, default=None)
        if best is not None and likely[best] >= SURE_ENOUGH:
            return best, "inferred", reading.task_reason
    if DEFAULT_TASK in tasks or not tasks:
        return DEFAULT_TASK, "default", "No label, and the text suggests no other task."
    return tasks[0], "default", "No label, and the text suggests none: the first listed task."


_STREAMED = frozenset(("streaming",))
_EMBEDDED = frozenset(("embeddings",))
_NOTHING: frozenset[str] = frozenset()


def _needs(request: RoutingRequest) -> frozenset[str]:
    if request.operation == "embeddings":
        return _EMBEDDED
    implied = _STREAMED if request.stream else _NOTHING
    return implied.union(request.needs) if request.needs else implied
