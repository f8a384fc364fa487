"""An OpenID provider on a real socket, made of Authlib: the code flow, with PKCE demanded and
checked, signed ID tokens, userinfo. It asks nobody for a password: `who` says who is there."""

import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode, UserInfo
from flask import Flask, Response, jsonify, request
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT_ID, CLIENT_SECRET = "routerctl", "provider-keeps-this-Secret"


@dataclass
class Provider:
    """`who` is the claims about whoever sits in front of the browser; `seen` the token requests;
    `userinfo_says` is put over what the userinfo tells."""

    url: str = ""
    who: dict[str, Any] = field(default_factory=dict)
    seen: list[dict[str, str]] = field(default_factory=list)
    userinfo_says: dict[str, Any] = field(default_factory=dict)


class _Client(ClientMixin):  # type: ignore[misc]
    client_id = CLIENT_ID

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri.endswith("/sign-in/oidc/oidc/callback")

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(client_secret, CLIENT_SECRET)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_post", "client_secret_basic")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class _Code(AuthorizationCodeMixin):  # type: ignore[misc]
    code: str
    claims: dict[str, Any]
    redirect_uri: str
    scope: str
    code_challenge: str | None
    code_challenge_method: str | None
    nonce: str | None = None
    auth_time: int = field(default_factory=lambda: int(time.time()))

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class _Books:
    """What the provider remembers between requests."""

    def __init__(self) -> None:
        self.codes: dict[str, _Code] = {}
        self.tokens: dict[str, dict[str, Any]] = {}


def _code_grant(books: _Books) -> type[grants.AuthorizationCodeGrant]:
    class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_post", "client_secret_basic")

        def save_authorization_code(self, code: str, request: Any) -> None:
            asked = request.payload.data
            books.codes[code] = _Code(
                code, dict(request.user), asked["redirect_uri"], asked["scope"],
                asked.get("code_challenge"), asked.get("code_challenge_method"),
            )  # fmt: skip

        def query_authorization_code(self, code: str, client: Any) -> _Code | None:
            return books.codes.get(code)

        def delete_authorization_code(self, authorization_code: _Code) -> None:
            del books.codes[authorization_code.code]

        def authenticate_user(self, authorization_code: _Code) -> dict[str, Any]:
            return authorization_code.claims

    return CodeGrant


def _id_token(provider: Provider, key: RSAKey) -> OpenIDCode:
    class IdToken(OpenIDCode):  # type: ignore[misc]
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return False

        def resolve_client_private_key(self, client: Any) -> RSAKey:
            return key

        def get_client_algorithm(self, client: Any) -> str:
            return "RS256"

        def get_client_claims(self, client: Any) -> dict[str, Any]:
            return {"iss": provider.url, "aud": [client.get_client_id()]}

        def get_encode_header(self, client: Any) -> dict[str, str]:
            return {"alg": "RS256"}

        def generate_user_info(self, user: dict[str, Any], scope: str) -> UserInfo:
            return UserInfo(user)

    return IdToken(require_nonce=False)


def _server(app: Flask, provider: Provider, books: _Books, key: RSAKey) -> AuthorizationServer:
    def save_token(token: dict[str, Any], request: Any) -> None:
        books.tokens[token["access_token"]] = dict(request.user)

    server = AuthorizationServer(
        app,
        query_client=lambda client_id: _Client() if client_id == CLIENT_ID else None,
        save_token=save_token,
    )
    extensions = [_id_token(provider, key), CodeChallenge(required=True)]
    server.register_grant(_code_grant(books), extensions)
    return server


def _application(provider: Provider) -> Flask:
    app, key, books = Flask("provider"), RSAKey.generate_key(2048), _Books()
    server = _server(app, provider, books, key)

    @app.get("/.well-known/openid-configuration")
    def configuration() -> Response:
        return jsonify(
            issuer=provider.url,
            authorization_endpoint=f"{provider.url}/authorize",
            token_endpoint=f"{provider.url}/token",
            userinfo_endpoint=f"{provider.url}/userinfo",
            jwks_uri=f"{provider.url}/keys",
            token_endpoint_auth_methods_supported=["client_secret_post"],
        )

    @app.get("/keys")
    def keys() -> Response:
        return jsonify(keys=[key.as_dict(private=False)])

    @app.get("/authorize")
    def authorize() -> Any:
        grant = server.get_consent_grant(end_user=provider.who)
        return server.create_authorization_response(grant=grant, grant_user=provider.who)

    @app.post("/token")
    def token() -> Any:
        provider.seen.append(request.form.to_dict())
        return server.create_token_response()

    @app.get("/userinfo")
    def userinfo() -> Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        return jsonify(books.tokens[token] | provider.userinfo_says)

    return app


@contextmanager
def identity_provider() -> Iterator[Provider]:
    """A provider that lives as long as the block."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    provider = Provider()
    server = make_server("127.0.0.1", 0, _application(provider), threaded=True)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield provider
    server.shutdown()
    thread.join(10)
