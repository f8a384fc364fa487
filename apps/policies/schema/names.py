"""The names which a file defines, and the types of the fields that use them.

Names are gathered from the raw file first, so that one wrong entry does not make every reference
to it wrong too, and every reference can be checked on the first pass.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError, ValidationInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from apps.catalog.listed import SLUG_LENGTH, SLUG_PATTERN
from apps.policies.yaml12 import Path
from routerctl.engine.conditions import Words

SECTIONS = {
    "providers": "provider",
    "deployments": "deployment",
    "tasks": "task",
    "plans": "plan",
    "features": "feature",
    "prompts": "prompt",
    "flags": "flag",
    "checks": "check",
    "gates": "gate",
    "routes": "route",
    "caps": "cap",
    "rate_limits": "rate limit",
}
"""The file's lists, in the order in which they are written, and what one entry is called."""


_SLUG = re.compile(SLUG_PATTERN)


@dataclass(frozen=True, slots=True)
class Names:
    """What references may point at. `stored_secrets` has the origin for which each provider's
    stored secret was given."""

    slugs: Mapping[str, frozenset[str]]
    provider_attributes: frozenset[str]
    stored_secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> Words:
        """The names which conditions may use."""
        return Words(
            self.slugs["tasks"], self.slugs["features"], self.slugs["plans"], self.slugs["flags"]
        )


def gather(data: Mapping[str, Any], stored_secrets: Mapping[str, str]) -> Names:
    """The names in a raw file; whatever has not even a slug's shape is left out."""
    providers = [entry for entry in _list(data, "providers") if isinstance(entry, dict)]
    attributes = [provider.get("attributes") for provider in providers]
    return Names(
        {section: frozenset(slug for _, slug in _slugs(data, section)) for section in SECTIONS},
        frozenset(name for stated in attributes if isinstance(stated, dict) for name in stated),
        stored_secrets,
    )


def repeated(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Slugs that an earlier entry of the same list has, as (path, what is wrong)."""
    for section, one in SECTIONS.items():
        seen: set[str] = set()
        for path, slug in _slugs(data, section):
            if slug in seen:
                yield path, f"there is a {one} {slug} already"
            seen.add(slug)


def _slugs(data: Mapping[str, Any], section: str) -> Iterator[tuple[Path, str]]:
    for index, entry in enumerate(_list(data, section)):
        if isinstance(entry, str):
            yield (section, index), entry
        elif isinstance(entry, dict) and isinstance(entry.get("slug"), str):
            yield (section, index, "slug"), entry["slug"]


def _list(data: Mapping[str, Any], section: str) -> list[Any]:
    entries = data.get(section)
    return entries if isinstance(entries, list) else []


def names_in(info: ValidationInfo) -> Names:
    """The names against which the file is being checked."""
    assert isinstance(info.context, Names)
    return info.context


def refuse_all(problems: Iterable[tuple[Path, str]], value: Any) -> None:
    """Raise every one of `problems`, each at its path below the field. None: all is well."""
    errors = [
        InitErrorDetails(type=refuse(message), loc=path, input=value) for path, message in problems
    ]
    if errors:
        raise ValidationError.from_exception_data("configuration", errors)


def refuse(message: str) -> PydanticCustomError:
    """An error with exactly that message."""
    return PydanticCustomError("refused", "{message}", {"message": message})


def _refers_to(section: str) -> Callable[[str, ValidationInfo], str]:
    def check(slug: str, info: ValidationInfo) -> str:
        if slug not in names_in(info).slugs[section]:
            raise refuse(f"there is no {SECTIONS[section]} {slug}")
        return slug

    return check


def _is_slug(text: str) -> str:
    if len(text) > SLUG_LENGTH or not _SLUG.match(text):
        raise refuse(f"{text!r} is no slug: a-z, 0-9 and . _ / - after a letter or digit")
    return text


Slug = Annotated[str, AfterValidator(_is_slug)]
ProviderSlug = Annotated[str, AfterValidator(_refers_to("providers"))]
DeploymentSlug = Annotated[str, AfterValidator(_refers_to("deployments"))]
PromptSlug = Annotated[str, AfterValidator(_refers_to("prompts"))]
