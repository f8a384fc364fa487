"""Every secret that pages give or take, given and taken by a browser over a real socket. Then all
that routerctl stored, logged, exported or showed afterwards is searched for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx2
import pytest

from tests.apps.dashboards.signing import code
from tests.flow.books import Books
from tests.flow.canaries import Canaries, everything_in, everything_kept_by
from tests.flow.client import plain_http
from tests.flow.documents import deployment, document, provider, route
from tests.processes import Server, server_maker, start_mock

ADMIN, GUEST = "ada@example.com", "fay@example.com"
SEEN = "kestrel-and-sons"
"""A tenant, no secret: a place without it, or another such word, was not really searched."""
SESSIONS = """
from django.contrib.sessions.models import Session
print(*(session.get_decoded() for session in Session.objects.all()), sep="\\n")"""
PAGES = (
    *("/", "/log", "/people", "/account", "/account/recovery-codes", "/keys"),
    *("/providers", "/providers/first", "/providers/first?tab=history", "/system"),
    *("/providers/first?tab=yaml", "/providers/-/edit/first", "/providers/-/secret/first"),
)


class Session:
    """A server, the secrets that went over its pages, and an administrator's open browser."""

    def __init__(self, server: Server, canaries: Canaries, oidc_secret: str) -> None:
        self.server = server
        self.canaries = canaries
        self.oidc_secret = oidc_secret
        self.books = Books(server.database_url)
        self.browser = plain_http(server)
        self.codes: list[bytes] = []
        """For recovery: too short to be told from other text in every form, so in their own."""

    def post(self, path: str, browser: httpx2.Client | None = None, **typed: object) -> str:
        """The page that answers the form of `path`, filled in like this."""
        browser = browser or self.browser
        return self.send(path, browser.get(path).text, browser, **typed)

    def send(self, path: str, form: str, browser: httpx2.Client, **typed: object) -> str:
        """The same, of a page that is open already."""
        [hidden] = set(re.findall(r'csrfmiddlewaretoken" value="(\w+)"', form))
        answer = browser.post(path, data=typed | {"csrfmiddlewaretoken": hidden})
        assert answer.status_code in (200, 302, 303), path
        return answer.text

    def live(self) -> None:
        """All that has a secret is done, and what should be seen once is seen."""
        self._sign_in()
        self._provider()
        self._keys()
        self._guest()
        self._second_factor()

    def _sign_in(self) -> None:
        password = self.canaries.new("a password", "Harbour-{}")
        create = ("create_user", "--email", ADMIN, "--role", "admin", "--password-stdin")
        self.server.manage(*create, stdin=f"{password}\n")
        self.post("/sign-in/", login=ADMIN, password=password)
        changed = self.canaries.new("a new password", "Lantern-{}")
        self.post("/account/password", old=password, new=changed)
        self.post("/sign-in/again", password=changed, next="/account")

    def _provider(self) -> None:
        for name in ("a provider's secret", "a provider's next secret"):
            secret = self.canaries.new(name, "sk-{}")
            self.post("/providers/-/secret/first", secret=secret, reason="for a test")

    def _keys(self) -> None:
        made = self.post(
            "/keys/new", name="made", tenant=SEEN, scopes="generate", disclose="none", reason="x"
        )
        prefix = self._token(made, "a key's token")
        self._token(
            self.post(f"/keys/{prefix}/rotate", ends="7", reason="x"), "a rotated key's token"
        )

    def _token(self, answer: str, name: str) -> str:
        """The prefix of the key whose token `answer` shows."""
        token = re.search(r'aria-label="Token">(rk_[^<]+)<', answer)
        assert token, "a token is shown once"
        _, _, prefix, secret = token[1].split("_", 3)
        self.canaries.watch(name, secret)
        return prefix

    def _guest(self) -> None:
        invited = self.post(
            "/people/invite", email=GUEST, role="support", tenants=SEEN, reason="for a test"
        )
        found = re.search(r"/join/([\w-]+)", invited)
        assert found, "a link is shown once"
        self.canaries.watch("an invitation", found[1].removeprefix("ri_"))
        link = f"/join/{found[1]}"
        with plain_http(self.server) as guest:
            assert guest.post(link).status_code in (403, 405), "a link is opened, not posted to"
            assert guest.get(f"{link}/").status_code == 404, "copied with what follows it"
            guest.get(link)
            password = self.canaries.new("a guest's password", "Harbour-{}")
            self.post("/join", guest, name="Fay Wong", password=password)
        assert self.browser.get(link).status_code == 404, "it works once"

    def _second_factor(self) -> None:
        form = self.browser.get("/account/app").text
        found = re.search(r"Secret <code>([A-Z2-7 ]+)</code>", form)
        assert found, "it is shown once"
        secret = found[1].replace(" ", "")
        self.canaries.watch("an app's secret", secret)
        self.send("/account/app", form, self.browser, code=code(secret))
        shown = self.browser.get("/account/recovery-codes").text
        codes = re.search(r'aria-label="Recovery codes"><code>([^<]+)<', shown)
        assert codes, "they are shown once"
        self.codes = codes[1].encode().split()


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """All of it happens once, and the tests only search."""
    directory = tmp_path_factory.mktemp("people")
    with start_mock() as mock, server_maker(mock, directory) as make_server:
        canaries = Canaries()
        secret = canaries.new("the secret at the identity provider")
        server = make_server(
            ROUTERCTL_OIDC_ISSUER=f"{mock.url}/identity",
            ROUTERCTL_OIDC_CLIENT_ID="routerctl",
            ROUTERCTL_OIDC_CLIENT_SECRET=secret,
        )
        server.start()
        server.apply(
            document([provider("first")], [deployment("first/one")], [route("one", "first/one")])
        )
        session = Session(server, canaries, secret)
        session.live()
        yield session
        session.browser.close()


# --------------------------------------------------------------------------- where to look


def _pages(session: Session) -> bytes:
    """Of the administrator, who sees everything, after all was made."""
    keys = [row["prefix"] for row in session.books.rows("SELECT prefix FROM accounts_apikey")]
    people = [row["id"] for row in session.books.rows("SELECT id FROM accounts_user")]
    paths = [*PAGES, *(f"/keys/{key}" for key in keys), *(f"/people/{id_}" for id_ in people)]
    answers = [session.browser.get(path) for path in paths]
    assert {answer.status_code for answer in answers} == {200}
    return b"\n".join(answer.content for answer in answers)


def _exports(session: Session) -> bytes:
    log, traces = session.browser.get("/log.csv"), session.browser.get("/traces.csv")
    assert (log.status_code, traces.status_code) == (200, 200)
    return log.content + traces.content + session.server.manage("export_config").encode()


def _api(session: Session) -> bytes:
    token = session.server.create_key("--scopes", "read")
    paths = ("log?limit=100", "keys?limit=100", "providers", "providers/first/history")
    with plain_http(session.server, authorization=f"Bearer {token}") as http:
        answers = [http.get(f"/api/v1/{path}") for path in paths]
    assert {answer.status_code for answer in answers} == {200}
    return b"\n".join(answer.content for answer in answers)


PLACES: dict[str, tuple[Callable[[Session], bytes], bytes]] = {
    "the database with its histories": (
        lambda s: everything_in(s.server.database_url),
        SEEN.encode(),
    ),
    "open sessions": (lambda s: s.server.manage("shell", "-c", SESSIONS).encode(), b"_auth_user"),
    "the log": (lambda s: s.server.log.read_bytes(), b"configuration."),
    "valkey": (lambda s: everything_kept_by(s.server.redis_url), b":1:"),
    "the pages": (_pages, SEEN.encode()),
    "the exports": (_exports, SEEN.encode()),
    "the API": (_api, SEEN.encode()),
}
"""How to see all of a place, and a word that must be there."""


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_of_people_is_found_in(place: str, session: Session) -> None:
    look, word = PLACES[place]
    seen = look(session)
    assert word in seen
    assert session.canaries.found_in(seen) == []
    assert len(session.codes) == 10
    assert [code for code in session.codes if code in seen] == []


def test_the_history_has_every_deed_whose_secret_it_lacks(session: Session) -> None:
    told = session.books.rows("SELECT DISTINCT kind FROM accounts_auditentry")
    kinds = {row["kind"] for row in told}
    assert {"accounts.user", "accounts.apikey", "accounts.invitation"} <= kinds
    assert {kind for kind in kinds if kind.startswith("catalog.provider")}
