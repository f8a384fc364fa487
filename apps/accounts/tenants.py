"""The tenants that somebody is given: what they see of traces, keys and people.

Every selector of what belongs to a tenant takes a `Tenants` and has no default for it, so that
nobody can forget to say whose eyes it reads for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from django.core.exceptions import ValidationError

ANY: Final = "*"
"""How a list of tenants, or an API key, says: all of them."""

LONGEST: Final = 128


@dataclass(frozen=True, slots=True)
class Tenants:
    """A set of tenants, or every one. Without a name in it, it covers nothing."""

    names: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """`*` among the names makes the others superfluous."""
        given = frozenset(names)
        return cls(frozenset((ANY,)) if ANY in given else given)

    @property
    def every(self) -> bool:
        return ANY in self.names

    def cover(self, tenant: str | None) -> bool:
        """Whether what belongs to `tenant` may be seen. What is nobody's is seen by those alone
        who see everything."""
        return self.every or tenant in self.names

    def within(self, other: "Tenants") -> bool:
        """Whether none of these is beyond `other`."""
        return other.every or self.names <= other.names

    def listed(self) -> list[str]:
        """In the order in which they are stored and shown."""
        return sorted(self.names)


EVERY_TENANT: Final = Tenants(frozenset((ANY,)))
NO_TENANT: Final = Tenants(frozenset())


def parse_tenants(names: Iterable[str]) -> Tenants:
    """What somebody wrote as a list of tenants. Raises ValidationError for an empty or too long
    name."""
    written = [name.strip() for name in names]
    if not all(1 <= len(name) <= LONGEST and name.isprintable() for name in written):
        raise ValidationError(
            f"A tenant's name has 1 to {LONGEST} printable characters.", code="tenant"
        )
    return Tenants.of(written)
