"""Clients, a provider, strangers and a colleague who fill every field that is theirs to fill with
text that does harm. All of it happens once, to one real server."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from tests.corpora import BREAKS, EVERYTHING, PRINTABLE, SCRIPTS, UNPRINTABLE
from tests.flow.documents import deployment, document, provider, route
from tests.hostile_vendor import MODELS
from tests.processes import Server

EMAIL = "ada@example.com"
PASSWORD = "Lantern-Harbour-42"
INVITED = '"<script/data-ill>window.ran=1</script>"@example.com'
LABELS = ("tenant", "user", "session", "app", "app_version", "language")


def configuration() -> str:
    """A feature for each thing that the provider of ill will can do."""
    return document(
        [provider("ill")],
        [deployment(f"ill/{model}", model=model) for model in MODELS],
        [route(model, f"ill/{model}", limits={"attempts": 1}) for model in MODELS],
    )


@dataclass
class Attacked:
    """A server after the attack, and every answer that it gave meanwhile."""

    server: Server
    log_began_at: int = 0
    heard: list[httpx2.Response] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def attack(self) -> None:
        self.server.apply(configuration())
        key = self.server.create_key("--scopes", "generate,read,decide,write")
        careless = self.server.create_key("--legacy")
        create = ("create_user", "--email", EMAIL, "--role", "admin", "--password-stdin")
        self.server.manage(*create, stdin=PASSWORD)
        self.log_began_at = self.server.log.stat().st_size
        with self._http(authorization=f"Bearer {key}") as http:
            self._clients(http)
            self._provider(http)
        with self._http(authorization=f"Bearer {careless}") as http:
            self._old_clients(http)
        for text in BREAKS:
            self.raw.append(self._sent(key, text))
        with self._http() as http:
            self._strangers(http)
        with self._http() as http:
            self._colleague(http)

    def _http(self, **headers: str) -> httpx2.Client:
        return httpx2.Client(base_url=self.server.url, headers=headers, timeout=30, verify=False)

    def ask(self, http: httpx2.Client, method: str, path: str, **how: Any) -> httpx2.Response:
        self.heard.append(http.request(method, path, **how))
        return self.heard[-1]

    def _clients(self, http: httpx2.Client) -> None:
        """Every text in every field: accepted where it can be shown, refused where it cannot."""
        everything = {text[:64]: text[:512] for text in EVERYTHING if "\0" not in text}
        for number, text in enumerate(PRINTABLE):
            body = {"feature": "answers", "input": "Hi", "metadata": everything}
            body |= dict.fromkeys(LABELS, text)
            named = {"x-request-id": text, "idempotency-key": text, "user-agent": text}
            answer = self.ask(http, "POST", "/v1/generate", json=body, headers=named)
            assert answer.status_code == 200, (number, answer.text)
            self.ask(http, "POST", "/api/v1/route", json=body)
        for text in UNPRINTABLE:
            for label in LABELS:
                wrong = {"feature": "answers", "input": "Hi", label: text}
                answer = self.ask(http, "POST", "/v1/generate", json=wrong)
                assert answer.status_code == 400, (label, text)
        for text in EVERYTHING:
            self.ask(http, "POST", "/v1/generate", json={"input": "Hi", text: text})
            self.ask(http, "POST", "/v1/generate", json={"input": "Hi", "feature": text})
            self.ask(http, "POST", "/v1/messages", json={"model": text, "messages": []})
            self.ask(http, "GET", f"/api/v1/traces/{quote(text[:300], safe='')}")
            self.ask(http, "PUT", f"/api/v1/features/{quote(text[:300], safe='')}", json={text: 1})

    def _provider(self, http: httpx2.Client) -> None:
        """What is asked comes back in every field of what the provider says."""
        for model in MODELS:
            for number, text in enumerate(EVERYTHING):
                body = {"feature": model, "input": text, "stream": number % 2 == 0}
                self.ask(http, "POST", "/v1/generate", json=body)

    def _old_clients(self, http: httpx2.Client) -> None:
        for text in PRINTABLE:
            body = {"feature": "answers", "input": "Hi", "app": text, "app_version": text, text: 1}
            assert self.ask(http, "POST", "/v1/generate", json=body).status_code == 200

    def _sent(self, key: str, text: str) -> bytes:
        """Of a request whose headers are what no client library sends."""
        address = urlsplit(self.server.url)
        body = b'{"feature":"answers","input":"Hi"}'
        head = (
            f"POST /v1/generate HTTP/1.1\r\nhost: {address.netloc}\r\nauthorization: Bearer {key}"
            f"\r\ncontent-length: {len(body)}\r\nconnection: close\r\nx-request-id: {text}\r\n\r\n"
        )
        with socket.create_connection((address.hostname, address.port), timeout=30) as writer:
            writer.sendall(head.encode() + body)
            return b"".join(iter(lambda: writer.recv(65536), b""))

    def _strangers(self, http: httpx2.Client) -> None:
        """Whatever is logged of people who are not let in."""
        for text in (*EVERYTHING[:-1], "A" * 2000):
            escaped = quote(text, safe="")
            self.ask(http, "GET", f"/{escaped}")
            self.ask(http, "GET", f"/v1/{escaped}")
            self.ask(http, "GET", f"/sign-in/?next={escaped}")
            self.ask(http, "POST", "/sign-in/", data={"login": text}, headers=_named(text))
            self.ask(http, "GET", f"/join/{escaped}", headers={"host": "elsewhere.example"})

    def _colleague(self, http: httpx2.Client) -> None:
        """Signs in by a browser of that name; names themselves, and a guest, in that way."""
        http.headers["user-agent"] = SCRIPTS[1]
        self._post(http, "/sign-in/", login=EMAIL, password=PASSWORD)
        self._post(http, "/account", name=SCRIPTS[0])
        tenants, reason = ",".join(SCRIPTS[:4]), "".join(SCRIPTS[:8])
        invited = {"email": INVITED, "role": "support", "tenants": tenants, "reason": reason}
        self._post(http, "/people/invite", **invited)
        said = {"name": SCRIPTS[1], "tenant": SCRIPTS[2], "app": SCRIPTS[3], "disclose": "none"}
        self._post(http, "/keys/new", scopes="generate", reason="=1+1" + reason, **said)

    def _post(self, http: httpx2.Client, path: str, **typed: str) -> None:
        [token] = set(re.findall(r'csrfmiddlewaretoken" value="(\w+)"', http.get(path).text))
        answer = self.ask(http, "POST", path, data=typed | {"csrfmiddlewaretoken": token})
        assert answer.status_code in (200, 302, 303), path


def _named(text: str) -> dict[str, bytes]:
    """`text` where clients name themselves, so far as a header can hold it."""
    named = re.sub(r"[\0-\x1f]", " ", text).strip().encode()
    return {"x-request-id": named, "referer": named, "user-agent": named, "cookie": named}
