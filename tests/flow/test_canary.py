"""Secrets are set wherever one can be set; used, mistyped and quoted back. Then all that routerctl
stored, logged or showed is searched for them."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

import httpx2
import pytest
from cryptography.fernet import Fernet

from tests.flow.books import Books
from tests.flow.canaries import Canaries, everything_in, everything_kept_by
from tests.flow.client import DOORS, asked
from tests.flow.documents import Json, deployment, document, provider, route
from tests.processes import Server, server_maker, start_mock

VENDORS = ("openai", "anthropic", "gemini", "azure")
STORED = "anthropic"
"""This vendor's secret is kept encrypted, the others' stand in the environment."""
FAULTS = {
    "refuses": "status=400~quote",
    "denies": "status=401~quote",
    "breaks": "status=500~quote",
    "cuts": "error_after=2~quote",
}
CHECKS = ("block", "redact", "flag")
SEEN = "kestrel-and-sons"
"""A tenant, no secret: a place without it, or another such word, was not really searched."""
EMAIL = "ada@example.com"
STORE = """
import sys
from apps.policies import services
for secret in sys.stdin.read().split():
    services.set_secret(
        provider="v-anthropic", secret=secret, person=None, source="command", reason="for a test")
"""
END_CONNECTIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""


def configuration() -> str:
    """A feature for each fault of each vendor, and one for each thing that a check can do."""
    faulty = [(vendor, fault) for vendor in VENDORS for fault in FAULTS]
    return document(
        [_provider(vendor) for vendor in VENDORS],
        [
            *(deployment(f"v-{v}/{f}", model=f"{v}-{f}~{FAULTS[f]}") for v, f in faulty),
            deployment("v-openai/well"),
        ],
        [
            *(route(f"{vendor}-{fault}", f"v-{vendor}/{fault}") for vendor, fault in faulty),
            *(route(check, "v-openai/well") for check in CHECKS),
        ],
        checks=[
            {"slug": check, "when": {"feature": check}, "match": ["secrets"], "do": check}
            for check in CHECKS
        ],
    )


def _provider(vendor: str) -> Json:
    made = provider(f"v-{vendor}") | {"adapter": vendor}
    return made if vendor == STORED else made | {"secret": f"env:{vendor.upper()}_CANARY"}


class Session:
    """A server with its canaries, and everything that it told whoever asked."""

    def __init__(self, server: Server, canaries: Canaries, vendor_secrets: dict[str, str]) -> None:
        self.server = server
        self.canaries = canaries
        self.vendor_secrets = vendor_secrets
        self.books = Books(server.database_url)
        self.heard: list[bytes] = []
        self.pages: list[bytes] = []

    def ask(self, http: httpx2.Client, method: str, path: str, **how: object) -> httpx2.Response:
        """One request, whose answer is remembered with its headers."""
        answer = http.request(method, path, **how)  # type: ignore[arg-type]
        self.heard.append(repr(answer.headers.multi_items()).encode() + answer.content)
        return answer

    def trace_ids(self, code: str = "%") -> list[str]:
        query = "SELECT trace_id::text FROM ledger_trace WHERE coalesce(error_code, '') LIKE %s"
        return [row["trace_id"] for row in self.books.rows(query, code)]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """All of it happens once, and the tests only search."""
    directory = tmp_path_factory.mktemp("canary")
    with start_mock() as mock, server_maker(mock, directory) as make_server:
        canaries = Canaries()
        secrets = {vendor: canaries.new(f"the secret of {vendor}") for vendor in VENDORS}
        server = make_server(**_environment(canaries, secrets))
        server.start()
        session = Session(server, canaries, secrets)
        server.apply(configuration())
        replaced = canaries.new("a secret that was replaced")
        server.manage("shell", "-c", STORE, stdin=f"{replaced} {secrets[STORED]}")
        _call_providers(session)
        _mistype(session)
        _lose_the_database(session)
        _look_at_pages(session)
        yield session


def _environment(canaries: Canaries, secrets: dict[str, str]) -> dict[str, str]:
    ring = Fernet.generate_key().decode()
    canaries.watch("the encryption key", ring[:-4])
    url = urlsplit(os.environ["DATABASE_URL"])
    user, _, host = url.netloc.rpartition("@")
    login = f"{user}:{canaries.new('the password of the database')}@{host}"
    return {
        "ROUTERCTL_BREAKERS": "off",  # providers fail all the time here
        "ROUTERCTL_SECRET_KEY": canaries.new("the secret key", "Signing-{}-Key"),
        "ROUTERCTL_ENCRYPTION_KEYS": ring,
        "DATABASE_URL": urlunsplit(url._replace(netloc=login)),
        **{f"{v.upper()}_CANARY": secret for v, secret in secrets.items() if v != STORED},
    }


def _key(session: Session, *options: str) -> httpx2.Client:
    token = session.server.create_key("--scopes", "generate,read,decide", *options)
    session.canaries.watch("an API key", token.split("_", 3)[3])
    headers = {"authorization": f"Bearer {token}"}
    return httpx2.Client(base_url=session.server.url, headers=headers, timeout=30)


def _call_providers(session: Session) -> None:
    """Every fault of every vendor, through every door, and every check."""
    new = session.canaries.new
    with _key(session) as http:
        for feature in [f"{vendor}-{fault}" for vendor in VENDORS for fault in FAULTS]:
            text = f"Please look at {new('a prompt')} and tell me what it is."
            for door, path in DOORS.items():
                told = {"tenant": SEEN} if door == "native" else {}
                streamed = feature.endswith("cuts")
                body = asked(door, feature, text, stream=streamed, **told)
                session.ask(http, "POST", path, json=body)
        for check in CHECKS:
            text = new(f"a secret to {check}", "My key is sk-{}, keep it safe")
            body = {"feature": check, "input": text, "tenant": SEEN}
            session.ask(http, "POST", "/v1/generate", json=body)
            session.ask(http, "POST", "/api/v1/route", json=body)
        once = {"idempotency-key": new("an idempotency key")}
        for text in ("One", "One", "Another"):
            body = {"feature": "flag", "input": text}
            session.ask(http, "POST", "/v1/generate", json=body, headers=once)
        too_long = {"idempotency-key": new("a long idempotency key") * 10}
        session.ask(http, "POST", "/v1/generate", json=body, headers=too_long)


def _mistype(session: Session) -> None:
    """Secrets where they do not belong, or not like this."""
    new, server = session.canaries.new, session.server
    body: Json = {"feature": "flag", "input": "Hi"}
    fields: list[Json] = [
        {"api_key": new("a key in a body")},
        {"base_url": new("a password in an address", "https://ada:{}@example.com")},
        {"headers": {"authorization": new("a header in a body", "Bearer {}")}},
    ]
    with httpx2.Client(base_url=server.url) as stranger, _key(session) as known:
        for path in (*DOORS.values(), "/api/v1/route", "/v1/nowhere"):
            wrong = [
                {"authorization": new("a wrong token", "Bearer rk_dev_abcdefgh_{}")},
                {"authorization": new("a token of somebody else's", "Bearer {}")},
                {"authorization": new("a login", "Basic {}")},
                {"x-api-key": new("a wrong key")},
            ]
            for headers in wrong:
                session.ask(stranger, "POST", path, json=body, headers=headers)
            query = {"api_key": new("a key in a query")}
            session.ask(known, "POST", path, json=body, params=query)
            for extra in fields:
                session.ask(known, "POST", path, json=body | extra)
    with _key(session, "--legacy") as forgiven:
        for extra in fields:
            session.ask(forgiven, "POST", "/v1/generate", json=body | extra)
    literal = {"secret": new("a secret in a file", "sk-{}")}
    address = {"base_url": new("a password in a file", "https://ada:{}@example.com")}
    for wrong_entry in (literal, address):
        file = document([provider("v-openai") | wrong_entry], [], [])
        session.heard.append(server.manage_error("apply_config", "-f", "-", stdin=file).encode())


def _lose_the_database(session: Session) -> None:
    """So that whatever is said of lost connections is said."""
    session.books.rows(END_CONNECTIONS)
    deadline = time.monotonic() + 10
    while session.server.ready()["database"] != "ok" or session.server.ready()["unsettled"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    session.books.nothing_held_after_s(5)


def _look_at_pages(session: Session) -> None:
    """As an administrator, who sees everything."""
    password = session.canaries.new("a person's password", "Harbour-{}")
    create = ("create_user", "--email", EMAIL, "--role", "admin", "--password-stdin")
    session.server.manage(*create, stdin=f"{password}\n")
    with httpx2.Client(base_url=session.server.url, follow_redirects=True) as browser:
        for attempt in (session.canaries.new("a wrong password"), password):
            form = browser.get("/sign-in/").text
            [hidden] = set(re.findall(r'csrfmiddlewaretoken" value="(\w+)"', form))
            filled = {"login": EMAIL, "password": attempt, "csrfmiddlewaretoken": hidden}
            session.pages.append(browser.post("/sign-in/", data=filled).content)
        for page in ("/traces", "/api/docs/", *(f"/t/{id_}" for id_ in session.trace_ids())):
            answer = browser.get(page)
            assert answer.status_code == 200, page
            session.pages.append(answer.content)


# --------------------------------------------------------------------------- where to look


def _api(session: Session) -> bytes:
    with _key(session) as http:
        paths = ["/api/v1/traces?limit=1000", "/metrics", "/readyz"]
        paths += [f"/api/v1/traces/{trace_id}" for trace_id in session.trace_ids()]
        return b"\n".join(http.get(path).content for path in paths)


def _explained(session: Session) -> bytes:
    codes = ("provider_error", "invalid_request", "safety_blocked")
    some = [session.trace_ids(code)[-1] for code in codes]
    return "\n".join(session.server.manage("explain", id_) for id_ in some).encode()


PLACES: dict[str, tuple[Callable[[Session], bytes], bytes]] = {
    "the database": (lambda s: everything_in(s.server.database_url), SEEN.encode()),
    "the log": (lambda s: s.server.log.read_bytes(), b"configuration.unreachable"),
    "valkey": (lambda s: everything_kept_by(s.server.redis_url), b":1:"),
    "the pages": (lambda s: b"\n".join(s.pages), SEEN.encode()),
    "answers and errors": (lambda s: b"\n".join(s.heard), b"safety_blocked"),
    "the API": (_api, SEEN.encode()),
    "the export": (lambda s: s.server.manage("export_config").encode(), b"env:AZURE_CANARY"),
    "explanations": (_explained, b"safety_blocked"),
}
"""How to see all of a place, and a word that must be there."""


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_is_found_in(place: str, session: Session) -> None:
    look, word = PLACES[place]
    seen = look(session)
    assert word in seen
    assert session.canaries.found_in(seen) == []


def test_the_secrets_that_were_looked_for_are_those_that_were_sent(session: Session) -> None:
    headers = [call["headers"] for call in session.server.mock.calls()]
    sent = {value for received in headers for value in received.values()}
    for secret in session.vendor_secrets.values():
        assert f"sha256:{hashlib.sha256(secret.encode()).hexdigest()[:16]}" in sent


def test_a_secret_is_found_in_whatever_form_it_is_stored() -> None:
    canaries = Canaries()
    secret = canaries.new("a secret").encode()
    for stored in (secret, secret.hex().encode(), *_in_base64(secret)):
        assert canaries.found_in(b"before" + stored + b"after") == ["a secret"]
    assert canaries.found_in(secret[:-1]) == []


def _in_base64(secret: bytes) -> list[bytes]:
    return [base64.b64encode(b"x" * shift + secret + b"yz") for shift in range(3)]
