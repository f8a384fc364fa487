"""The configuration file: text in, entries out, or everything that is wrong with it.

Strict: an unknown key is an error. All errors are told at once, each with its path and line;
references are checked in the same pass as shapes.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ValidationError
from pydantic_core import ErrorDetails

from apps.policies.schema.caps import CapEntry
from apps.policies.schema.catalog import DeploymentEntry, ProviderEntry
from apps.policies.schema.fields import Entry
from apps.policies.schema.names import Slug, gather, repeated
from apps.policies.schema.policy import (
    CheckEntry,
    FeatureEntry,
    FlagEntry,
    GateEntry,
    PromptEntry,
    RouteEntry,
)
from apps.policies.schema.rate_limits import RateLimitEntry
from apps.policies.yaml12 import Path, Problem, read


class BadConfiguration(Exception):
    """A configuration file is wrong; `problems` has every reason."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))


_EmptyIsNone = BeforeValidator(lambda value: [] if value is None else value)


class File(Entry):
    """A whole configuration. Every list may be left out or empty."""

    version: Literal[1]
    providers: Annotated[list[ProviderEntry], _EmptyIsNone] = []
    deployments: Annotated[list[DeploymentEntry], _EmptyIsNone] = []
    tasks: Annotated[list[Slug], _EmptyIsNone] = []
    plans: Annotated[list[Slug], _EmptyIsNone] = []
    features: Annotated[list[FeatureEntry], _EmptyIsNone] = []
    prompts: Annotated[list[PromptEntry], _EmptyIsNone] = []
    flags: Annotated[list[FlagEntry], _EmptyIsNone] = []
    checks: Annotated[list[CheckEntry], _EmptyIsNone] = []
    gates: Annotated[list[GateEntry], _EmptyIsNone] = []
    routes: Annotated[list[RouteEntry], _EmptyIsNone] = []
    caps: Annotated[list[CapEntry], _EmptyIsNone] = []
    rate_limits: Annotated[list[RateLimitEntry], _EmptyIsNone] = []


def parse(text: bytes, stored_secrets: Mapping[str, str] | None = None) -> File:
    """The file as checked entries.

    `stored_secrets` has the origin for which each provider's encrypted secret was given, so that
    `secret: stored` can be checked. Raises BadConfiguration.
    """
    document = read(text)
    if document.data is None and not document.problems:
        document.problem((), "the file is empty; it needs at least version: 1")
    if not isinstance(document.data, dict):
        if not document.problems:
            document.problem((), "must be a mapping")
        raise BadConfiguration(document.problems)
    file, found = check(document.data, stored_secrets or {})
    for path, message in found:
        document.problem(path, message)
    if file is None or document.problems:
        raise BadConfiguration(_in_order(document.problems))
    return file


def check(
    data: Mapping[str, Any], stored_secrets: Mapping[str, str]
) -> tuple[File | None, list[tuple[Path, str]]]:
    """`data`, the content of a file, as checked entries, or as (path, what is wrong) of everything
    that is wrong with it. `stored_secrets` is that of `parse`."""
    found: list[tuple[Path, str]] = []
    file = None
    try:
        file = File.model_validate(data, context=gather(data, stored_secrets))
    except ValidationError as error:
        found.extend(_told(error, data))
    found.extend(repeated(data))
    return (None if found else file), found


def check_one(
    section: str, entry: Any, data: Mapping[str, Any], stored_secrets: Mapping[str, str]
) -> File:
    """A file of nothing but `entry`, which `check` found to be well inside `data`."""
    names = gather(data, stored_secrets)
    return File.model_validate({"version": 1, section: [entry]}, context=names)


def _told(error: ValidationError, data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for details in error.errors(include_url=False):
        yield _path(details, data), _message(details)


def _in_order(problems: list[Problem]) -> list[Problem]:
    """As they stand in the file, and each once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0)


def _path(details: ErrorDetails, data: Any) -> Path:
    """Where it is in the file. pydantic marks an error of a mapping's key with `[key]`, and goes
    on into what only stands for a mapping, as a slug does for a candidate."""
    path: Path = ()
    for part in details["loc"]:
        if part == "[key]" or not isinstance(data, dict | list):
            break
        path = (*path, part)
        data = data.get(part) if isinstance(data, dict) else data[int(part)]
    return path


_SENTENCES = {
    "missing": "is missing",
    "extra_forbidden": "unknown key",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "string_too_short": "must not be empty",
    "string_too_long": "is longer than {max_length} characters",
    "too_short": "must not be empty",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
}


def _message(details: ErrorDetails) -> str:
    sentence = _SENTENCES.get(details["type"])
    if sentence is None:
        return details["msg"]
    return sentence.format_map(details.get("ctx", {}))
