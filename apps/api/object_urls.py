"""The paths of each kind of object, and what the schema says of them."""

from typing import Any, TypeVar

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

from apps.api.caps import CapView, PreviewView
from apps.api.objects import (
    HISTORY_PARAMETERS,
    CreateBody,
    HistoryAnswer,
    HistoryView,
    MoveBody,
    MoveView,
    ObjectAnswer,
    ObjectList,
    ObjectsView,
    ObjectView,
    OneObjectView,
    PutBody,
    ReasonBody,
    WaitingAnswer,
)
from apps.api.schema import answers, asks, nothing
from apps.api.secrets import SecretView
from apps.policies.editing import KINDS
from apps.policies.schema.names import SECTIONS

View = TypeVar("View", bound=type[ObjectView])

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag that was read, or *"
)
REASON = OpenApiParameter(
    "X-Reason", str, OpenApiParameter.HEADER, description="Why, unless the body says it"
)


def object_urls() -> list[URLPattern]:
    """Those of every kind. A slug may have slashes, so what comes after it is looked for first."""
    return [
        path("v1/providers/<path:slug>/secret", SecretView.as_view()),
        path("v1/caps/<path:slug>/preview", PreviewView.as_view()),
        *(pattern for kind in KINDS for pattern in _urls_of(kind)),
    ]


def _urls_of(kind: str) -> list[URLPattern]:
    one = CapView if kind == "caps" else OneObjectView
    return [
        path(f"v1/{kind}", _of(kind, ObjectsView, **_list_schema(kind)).as_view()),
        path(f"v1/{kind}/<path:slug>/history", _of(kind, HistoryView, **_past(kind)).as_view()),
        path(f"v1/{kind}/<path:slug>/move", _of(kind, MoveView, **_moving(kind)).as_view()),
        path(f"v1/{kind}/<path:slug>", _of(kind, one, **_one_schema(kind)).as_view()),
    ]


def _of(kind: str, view: View, **schema: Any) -> View:
    """`view` for the objects of `kind`."""
    made: View = type(f"{view.__name__}Of{kind.title()}", (view,), {"kind": kind})  # type: ignore[assignment]
    return extend_schema_view(**schema)(made)


def _operation(*words: str) -> str:
    return "_".join(words).replace(" ", "_")


def _list_schema(kind: str) -> dict[str, Any]:
    one = SECTIONS[kind]
    return {
        "get": extend_schema(
            operation_id=f"list_{kind}",
            summary=f"All {kind.replace('_', ' ')}, in their order",
            responses=answers(ObjectList, 400, 401, 403),
        ),
        "post": extend_schema(
            operation_id=_operation("create", one),
            summary=f"Create a {one}",
            parameters=[REASON],
            request=asks(CreateBody),
            responses=answers(ObjectAnswer, 400, 401, 403, 404, 413, success=201),
        ),
    }


def _one_schema(kind: str) -> dict[str, Any]:
    one = SECTIONS[kind]
    waits = answers(WaitingAnswer, success=202) if kind == "caps" else {}
    schema = {
        "get": extend_schema(
            operation_id=_operation("get", one),
            summary=f"A {one} as the configuration file writes it",
            responses=answers(ObjectAnswer, 401, 403, 404),
        ),
        "put": extend_schema(
            operation_id=_operation("put", one),
            summary=f"Make an entry what is said of a {one}",
            parameters=[IF_MATCH, REASON],
            request=asks(PutBody),
            responses=answers(ObjectAnswer, 400, 401, 403, 404, 412, 413) | waits,
        ),
        "delete": extend_schema(
            operation_id=_operation("delete", one),
            summary=f"Delete a {one} to which nothing refers",
            parameters=[IF_MATCH, REASON],
            request=asks(ReasonBody),
            responses=nothing(400, 401, 403, 404, 409, 412, 413) | waits,
        ),
    }
    if kind == "caps":
        del schema["get"]  # it says itself what it answers
    return schema


def _past(kind: str) -> dict[str, Any]:
    one = SECTIONS[kind]
    return {
        "get": extend_schema(
            operation_id=_operation(one, "history"),
            summary=f"The changes of a {one}, newest first; of a deleted one, too",
            parameters=[
                OpenApiParameter(name, str, description=said)
                for name, said in HISTORY_PARAMETERS.items()
            ],
            responses=answers(HistoryAnswer, 400, 401, 403, 404),
        )
    }


def _moving(kind: str) -> dict[str, Any]:
    one = SECTIONS[kind]
    return {
        "post": extend_schema(
            operation_id=_operation("move", one),
            summary=f"Give a {one} another place in its list",
            parameters=[IF_MATCH, REASON],
            request=asks(MoveBody),
            responses=answers(ObjectAnswer, 400, 401, 403, 404, 412, 413),
        )
    }
