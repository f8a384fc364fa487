"""The sidebar: four groups, and in them the pages that exist. A new page is one line here."""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import User
from apps.accounts.permissions import Action, may
from apps.dashboards.objects.registry import KINDS


@dataclass(frozen=True, slots=True)
class Item:
    """A link. `pages` are the URL names it stands for; it leads to the first."""

    title: str
    icon: str
    action: Action
    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    items: tuple[Item, ...]


def _objects(name: str) -> Item:
    """The line of a kind of objects."""
    kind = KINDS[name]
    pages = (
        "_new",
        "_edit",
        "_delete",
        "_switch",
        "_secret",
        "_call",
        "_move",
        *(f"_{apart.page}" for apart in kind.apart),
    )
    own = (name, kind.page, *(f"{kind.page}{page}" for page in pages))
    return Item(kind.title, kind.icon, kind.reads, own)


_KEYS = ("keys", "key", "key_new", "key_rotate", "key_revoke")
_INVOICES = ("invoices", "invoice", "invoice_new")
_PRICES = ("prices", "price", "price_propose", "price_import", "price_proposal", "price_decide")

_GROUPS = (
    Group(
        "Operate",
        (
            Item("Overview", "gauge", Action.READ_TRACES, ("home",)),
            Item("Traces", "list", Action.READ_TRACES, ("traces", "trace", "search")),
            _objects("providers"),
            _objects("deployments"),
        ),
    ),
    Group(
        "Control",
        (
            _objects("routes"),
            _objects("gates"),
            _objects("checks"),
            _objects("rate_limits"),
            _objects("flags"),
            _objects("features"),
            _objects("tasks"),
            _objects("plans"),
            _objects("prompts"),
            Item("Simulate", "circle-play", Action.SIMULATE, ("simulate",)),
        ),
    ),
    Group(
        "Money",
        (
            _objects("caps"),
            Item("Spend", "coins", Action.READ_SPEND, ("spend",)),
            Item("Invoices", "file-text", Action.READ_INVOICES, _INVOICES),
            Item("Prices", "tag", Action.READ_PRICES, _PRICES),
        ),
    ),
    Group(
        "Govern",
        (
            Item("Keys", "key-round", Action.READ_KEYS, _KEYS),
            Item(
                "People",
                "users",
                Action.READ_PEOPLE,
                ("people", "person", "edit_person", "invite", "revoke_invitation"),
            ),
            Item("Log", "scroll-text", Action.READ_LOG, ("log",)),
            Item("System", "heart-pulse", Action.READ_SYSTEM, ("system",)),
            Item("API", "code", Action.READ_SYSTEM, ("docs",)),
        ),
    ),
)


def sidebar(person: User | AnonymousUser) -> list[Group]:
    """The groups with what `person` may open; a group without any is left out."""
    allowed = (
        Group(group.title, tuple(item for item in group.items if may(person, item.action)))
        for group in _GROUPS
    )
    return [group for group in allowed if group.items]
