"""Every URL of the project: what it needs, which methods it takes, how it answers.

A new page is one line in `PAGES`, under the name that its URL has in apps/dashboards/urls.py:

    "provider": page(GET(Action.READ_CONFIGURATION), slug="openai"),
    "provider_edit": page(
        GET(Action.EDIT_PROVIDERS), POST(Action.EDIT_PROVIDERS, 422), slug="openai"
    ),

`GET` and `POST` say which action a person needs for the method, None for everybody who is signed
in, and the status that a person who may gets: of an empty form by default, or of `data`. What is
given beside them are the URL's arguments, a value or a function of the `World`; say
`of_tenant=True` when they belong to tenant acme, for whom another tenant's people get a 404.
Whatever is not said must be 405.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from apps.accounts.permissions import Action
from tests.walk.world import World

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Ask:
    """A method, the action it needs, and how an empty form (or `data`) is answered."""

    method: str
    action: Action | None
    status: int
    data: dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One URL. `stranger` is what somebody who is not signed in gets, `other_methods` what
    methods get that are not among `asks`."""

    asks: dict[str, Ask]
    arguments: dict[str, Any] = field(default_factory=dict)
    of_tenant: bool = False
    stranger: dict[str, int] = field(default_factory=dict)
    other_methods: int = 405

    def resolved(self, world: World) -> dict[str, Any]:
        return {
            name: value(world) if callable(value) else value
            for name, value in self.arguments.items()
        }


def GET(action: Action | None, status: int = 200, **data: Any) -> Ask:  # noqa: N802
    return Ask("GET", action, status, data)


def POST(action: Action | None, status: int = 422, **data: Any) -> Ask:  # noqa: N802
    return Ask("POST", action, status, data)


def page(*asks: Ask, of_tenant: bool = False, other_methods: int = 405, **arguments: Any) -> Line:
    """A page for people who are signed in."""
    return Line(
        {ask.method: ask for ask in asks}, arguments, of_tenant, other_methods=other_methods
    )


def open_page(
    *asks: Ask, stranger: dict[str, int], other_methods: int = 405, **arguments: Any
) -> Line:
    """A page that can be reached without signing in; `stranger` is its status by method."""
    return Line(
        {ask.method: ask for ask in asks},
        arguments,
        stranger=stranger,
        other_methods=other_methods,
    )


_EDIT_PERSON = (GET(Action.EDIT_PEOPLE), POST(Action.EDIT_PEOPLE, 422))


def _colleague(world: World) -> int:
    return world.colleague.pk


def object_pages(
    kind: str,
    one: str,
    edits: Action,
    slug: str,
    *,
    reads: Action = Action.READ_CONFIGURATION,
    only_a_name: bool = False,
) -> dict[str, Line]:
    """The pages of a kind of objects, of which `slug` is one; what is `only_a_name` has no edit."""
    form = (GET(edits), POST(edits))
    edit = {} if only_a_name else {f"{one}_edit": page(*form, slug=slug)}
    return {
        **edit,
        kind: page(GET(reads)),
        one: page(GET(reads), slug=slug),
        f"{one}_new": page(*form),
        f"{one}_delete": page(*form, slug=slug),
    }


PAGES: dict[str, Line] = {
    "home": page(GET(Action.READ_TRACES)),
    "search": page(GET(Action.READ_TRACES, 302, q=lambda w: w.trace_id), of_tenant=True),
    "traces": page(GET(Action.READ_TRACES)),
    "traces_csv": page(GET(Action.EXPORT_TRACES)),
    "trace": page(GET(Action.READ_TRACES), of_tenant=True, trace_id=lambda w: w.trace_id),
    "simulate": page(GET(Action.SIMULATE), POST(Action.SIMULATE, 200)),
    **object_pages("providers", "provider", Action.EDIT_PROVIDERS, "openai"),
    **object_pages("deployments", "deployment", Action.EDIT_PROVIDERS, "openai/small"),
    "provider_secret": page(GET(Action.EDIT_PROVIDERS), POST(Action.EDIT_PROVIDERS), slug="openai"),
    # The provider's secret is not in the environment, so nobody is called.
    "deployment_call": page(
        GET(Action.EDIT_PROVIDERS), POST(Action.EDIT_PROVIDERS, 200), slug="openai/small"
    ),
    "deployment_price": page(
        GET(Action.EDIT_PRICES), POST(Action.EDIT_PRICES), slug="openai/small"
    ),
    **object_pages("features", "feature", Action.EDIT_POLICY, "support-chat"),
    **object_pages("tasks", "task", Action.EDIT_POLICY, "chat", only_a_name=True),
    **object_pages("plans", "plan", Action.EDIT_POLICY, "free", only_a_name=True),
    **object_pages("prompts", "prompt", Action.EDIT_POLICY, "strict"),
    **object_pages("flags", "flag", Action.SWITCH, "short-answers"),
    "flag_switch": page(GET(Action.SWITCH), POST(Action.SWITCH), slug="short-answers"),
    **object_pages("caps", "cap", Action.EDIT_CAPS, "acme-daily", reads=Action.READ_CAPS),
    "cap_confirm": page(GET(Action.EDIT_CAPS), POST(Action.EDIT_CAPS), slug="acme-daily"),
    "cap_withdraw": page(GET(Action.EDIT_CAPS), POST(Action.EDIT_CAPS), slug="acme-daily"),
    "spend": page(GET(Action.READ_SPEND)),
    "spend_csv": page(GET(Action.EXPORT_SPEND)),
    "keys": page(GET(Action.READ_KEYS)),
    "key_new": page(GET(Action.EDIT_KEYS), POST(Action.EDIT_KEYS)),
    "key": page(GET(Action.READ_KEYS), of_tenant=True, prefix=lambda w: w.key.prefix),
    "key_rotate": page(
        GET(Action.EDIT_KEYS),
        POST(Action.EDIT_KEYS),
        of_tenant=True,
        prefix=lambda w: w.key.prefix,
    ),
    "key_revoke": page(
        GET(Action.EDIT_KEYS),
        POST(Action.EDIT_KEYS),
        of_tenant=True,
        prefix=lambda w: w.key.prefix,
    ),
    "trace_json": page(GET(Action.READ_DECISIONS), of_tenant=True, trace_id=lambda w: w.trace_id),
    **object_pages("routes", "route", Action.EDIT_POLICY, "everything"),
    "route_switch": page(GET(Action.SWITCH), POST(Action.SWITCH), slug="everything"),
    "route_move": page(GET(Action.EDIT_POLICY), POST(Action.EDIT_POLICY), slug="everything"),
    **object_pages("gates", "gate", Action.EDIT_GATES, "personal-data-needs-a-dpa"),
    **object_pages("checks", "check", Action.EDIT_GATES, "no-secrets"),
    "invoices": page(GET(Action.READ_INVOICES)),
    "invoice": page(GET(Action.READ_INVOICES), number=lambda w: w.invoice),
    "invoice_csv": page(GET(Action.READ_INVOICES), number=lambda w: w.invoice),
    "invoice_new": page(GET(Action.IMPORT_INVOICES), POST(Action.IMPORT_INVOICES)),
    **object_pages("rate_limits", "rate_limit", Action.EDIT_POLICY, "each-key"),
    "prices": page(GET(Action.READ_PRICES)),
    "price": page(GET(Action.READ_PRICES), slug="openai/small"),
    "price_propose": page(GET(Action.EDIT_PRICES), POST(Action.EDIT_PRICES)),
    "price_import": page(GET(Action.EDIT_PRICES), POST(Action.EDIT_PRICES)),
    "price_proposal": page(GET(Action.READ_PRICES), number=lambda w: w.proposal),
    "price_decide": page(POST(Action.EDIT_PRICES), number=lambda w: w.proposal),
    "appearance": page(POST(None, 302)),
    "log": page(GET(Action.READ_LOG)),
    "log_csv": page(GET(Action.EXPORT_LOG)),
    "system": page(GET(Action.READ_SYSTEM)),
    "design": page(GET(Action.READ_SYSTEM)),
    "design_dialog": page(GET(Action.READ_SYSTEM), POST(Action.READ_SYSTEM)),
    "account_login": open_page(
        GET(None, 302), POST(None, 302), stranger={"GET": 200, "POST": 422}, other_methods=302
    ),
    "passkey_sign_in": open_page(
        GET(None, 302), POST(None, 302), stranger={"GET": 200, "POST": 422}, other_methods=302
    ),
    "mfa_authenticate": open_page(
        GET(None, 302),
        POST(None, 302),
        stranger=dict.fromkeys(METHODS, 302),  # the first step comes first
        other_methods=302,
    ),
    "openid_connect_login": open_page(
        POST(None, 404),
        stranger={"POST": 404},
        provider_id="oidc",  # none is configured
    ),
    "openid_connect_callback": open_page(GET(None, 404), stranger={"GET": 404}, provider_id="oidc"),
    "people": page(GET(Action.READ_PEOPLE)),
    "person": page(GET(Action.READ_PEOPLE), of_tenant=True, person_id=_colleague),
    "edit_person": page(*_EDIT_PERSON, of_tenant=True, person_id=_colleague),
    "end_person_sessions": page(*_EDIT_PERSON, of_tenant=True, person_id=_colleague),
    "remove_factors": page(*_EDIT_PERSON, of_tenant=True, person_id=_colleague),
    "invite": page(*_EDIT_PERSON),
    "revoke_invitation": page(
        *_EDIT_PERSON, of_tenant=True, invitation_id=lambda w: w.invitation.pk
    ),
    "join": open_page(GET(None, 404), POST(None, 404), stranger={"GET": 404, "POST": 404}),
    "join_link": open_page(GET(None, 404), stranger={"GET": 404}, token="unknown"),
    "account_reauthenticate": page(GET(None, 403), POST(None, 403), other_methods=403),
    "mfa_reauthenticate": page(GET(None, 403), POST(None, 403), other_methods=403),
    "mfa_reauthenticate_webauthn": page(GET(None, 403), POST(None, 403), other_methods=403),
    "account": page(GET(None), POST(None, 303)),
    "password": page(GET(None), POST(None)),
    "end_sessions": page(POST(None, 303)),
    "add_app": page(GET(None), POST(None)),
    "app_picture": page(GET(None, 404)),
    "remove_app": page(GET(None, 404), POST(None, 404)),
    "add_passkey": page(GET(None), POST(None)),
    "remove_passkey": page(GET(None, 404), POST(None, 404), passkey_id=7),
    "recovery_codes": page(GET(None, 404)),
    "new_recovery_codes": page(GET(None, 404), POST(None, 404)),
    "sign_out": open_page(POST(None, 302), stranger={"POST": 302}),
    "schema": open_page(GET(None), stranger={"GET": 200}),
    "docs": open_page(GET(None), stranger={"GET": 200}),
    "reference": open_page(GET(None), stranger={"GET": 200}),
}


@dataclass(frozen=True)
class Door:
    """One path of a machines' door: what a key gets that may, by method and without a body.

    `scope` is what any method needs, None: nothing. An `edited` path needs `read` for GET and
    `write` for the rest instead. `of_all` methods need a key of every tenant. Without a key it is
    401, for another tenant's key a 404 if `of_tenant`."""

    path: Callable[[World], str]
    statuses: dict[str, int]
    scope: str | None = None
    edited: bool = False
    of_all: frozenset[str] = frozenset()
    of_tenant: bool = False

    def scope_for(self, method: str) -> str | None:
        if not self.edited:
            return self.scope
        return "read" if method == "GET" else "write"


def door(path: str, scope: str, **statuses: int) -> Door:
    return Door(lambda _: f"/api/v1/{path}", statuses, scope)


def shared(path: str, **statuses: int) -> Door:
    """What the whole organisation shares: for keys of every tenant."""
    return Door(lambda _: f"/api/v1/{path}", statuses, edited=True, of_all=frozenset(METHODS))


def key_door(path: str, **statuses: int) -> Door:
    """What belongs to the world's key, which is of tenant acme."""
    return Door(
        lambda w: f"/api/v1/keys/{w.key.prefix}{path}", statuses, edited=True, of_tenant=True
    )


def proposal_door(path: str, **statuses: int) -> Door:
    return Door(
        lambda w: f"/api/v1/prices/proposals/{w.proposal}{path}",
        statuses,
        edited=True,
        of_all=frozenset(METHODS),
    )


OBJECTS = {
    "providers": "openai",
    "deployments": "openai/small",
    "tasks": "chat",
    "plans": "free",
    "features": "support-chat",
    "prompts": None,
    "flags": None,
    "checks": "no-secrets",
    "gates": "personal-data-needs-a-dpa",
    "routes": "everything",
    "caps": "acme-daily",
    "rate_limits": "each-key",
}
"""One object of each kind; None: the walk's policy has none."""


def objects(kind: str, slug: str | None) -> dict[str, Door]:
    found, base = 404 if slug is None else 200, f"api/v1/{kind}"
    here = f"{kind}/{slug or 'none'}"
    return {
        base: shared(kind, GET=200, POST=400),
        f"{base}/<path:slug>": shared(here, GET=found, PUT=400, DELETE=400),
        f"{base}/<path:slug>/history": shared(f"{here}/history", GET=found),
        f"{base}/<path:slug>/move": shared(f"{here}/move", POST=400),
    }


CONTROL: dict[str, Door] = {
    "api/v1/route": door("route", "decide", POST=400),
    "api/v1/traces": door("traces", "read", GET=200),
    "api/v1/traces/<str:trace_id>": Door(
        lambda w: f"/api/v1/traces/{w.trace_id}", {"GET": 200}, "read", of_tenant=True
    ),
    "api/v1/deployments/<path:slug>/health": door(
        "deployments/openai/small/health", "read", GET=200
    ),
    "api/v1/spend": door("spend", "read", GET=200),
    "api/v1/log": door("log", "read", GET=200),
    "api/v1/keys": Door(lambda _: "/api/v1/keys", {"GET": 200, "POST": 400}, edited=True),
    "api/v1/keys/<str:prefix>": key_door("", GET=200, DELETE=400),
    "api/v1/keys/<str:prefix>/rotate": key_door("/rotate", POST=400),
    "api/v1/invoices": shared("invoices", GET=200, POST=400),
    "api/v1/invoices/<int:number>": Door(
        lambda w: f"/api/v1/invoices/{w.invoice}",
        {"GET": 200},
        edited=True,
        of_all=frozenset(METHODS),
    ),
    "api/v1/prices": shared("prices", GET=200),
    "api/v1/prices/proposals": shared("prices/proposals", GET=200, POST=400),
    "api/v1/prices/proposals/<int:number>": proposal_door("", GET=200),
    "api/v1/prices/proposals/<int:number>/approve": proposal_door("/approve", POST=400),
    "api/v1/prices/proposals/<int:number>/reject": proposal_door("/reject", POST=400),
    "api/v1/providers/<path:slug>/secret": shared("providers/openai/secret", PUT=400),
    **{name: each for kind, slug in OBJECTS.items() for name, each in objects(kind, slug).items()},
    "api/v1/caps/<path:slug>/preview": shared("caps/acme-daily/preview", POST=400),
    "api/v1/caps/<path:slug>": Door(
        lambda _: "/api/v1/caps/acme-daily",
        {"GET": 200, "PUT": 400, "DELETE": 400},
        edited=True,
        of_all=frozenset(METHODS) - {"GET"},
        of_tenant=True,
    ),
    r"api/^v1(?:/.*)?$": Door(lambda _: "/api/v1/nothing", dict.fromkeys(METHODS, 404)),
}
"""The control door by its patterns, which have no names."""


@dataclass(frozen=True)
class MachinePath:
    """One path of the machine door: its method, and its status without a key, with a key of
    another scope, with one that may."""

    method: str
    stranger: int
    wrong_scope: int
    right_scope: int


MACHINE: dict[str, MachinePath] = {
    "/v1/generate": MachinePath("POST", 401, 403, 400),
    "/v1/chat/completions": MachinePath("POST", 401, 403, 400),
    "/v1/messages": MachinePath("POST", 401, 403, 400),
    "/v1/embeddings": MachinePath("POST", 401, 403, 400),
    "/v1/models": MachinePath("GET", 401, 200, 200),
    "/healthz": MachinePath("GET", 200, 200, 200),
    "/readyz": MachinePath("GET", 200, 200, 200),
    "/metrics": MachinePath("GET", 200, 200, 200),
}
