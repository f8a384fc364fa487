"""Why an edit was not made, as answers: 400, 404, 409 and 412 in the one shape of errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound

from apps.policies.editing import Conflict, EntryProblem, Invalid, NotThere
from routerctl.engine.errors import RouterError


class Refused(APIException):
    """An answer `invalid_request` with another status than 400, and details."""

    def __init__(self, status_code: int, message: str, details: dict[str, Any]) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.details = details


@contextmanager
def refusals(invalid_status: int = status.HTTP_400_BAD_REQUEST) -> Iterator[None]:
    """What editing raises inside, as the exception with the right answer."""
    try:
        yield
    except NotThere as missing:
        raise NotFound(_sentence(str(missing))) from None
    except Conflict as conflict:
        raise _changed_meanwhile(conflict) from None
    except Invalid as refused:
        told = [_problem(problem) for problem in refused.problems]
        message = _sentence("; ".join(map(str, refused.problems[:3])))
        raise Refused(invalid_status, message, {"problems": told}) from None
    except ValidationError as refused:
        raise RouterError(
            "invalid_request", _sentence(" ".join(refused.messages)), details=_fields(refused)
        ) from None


def _problem(problem: EntryProblem) -> dict[str, str]:
    return asdict(problem)


def _changed_meanwhile(conflict: Conflict) -> Refused:
    now = conflict.now
    return Refused(
        status.HTTP_412_PRECONDITION_FAILED,
        _sentence(str(conflict)),
        {
            "version": now.version if now else None,
            "seen": conflict.seen,
            "now": now.entry if now else None,
            "wanted": conflict.wanted,
            "fields": [asdict(field) for field in conflict.fields],
        },
    )


def _fields(refused: ValidationError) -> dict[str, Any]:
    return {"fields": refused.message_dict} if hasattr(refused, "error_dict") else {}


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else f"{text}."
