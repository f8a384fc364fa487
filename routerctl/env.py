"""Settings from the environment, read once, typed, with every problem told at once.

`.env.example` documents each name. Nothing else in the project reads `os.environ`, except
`catalog.secrets`, which resolves `env:NAME` references, and `embedded`, which fills in what
development leaves out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, cast, get_args
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet, MultiFernet

ROOT = Path(__file__).resolve().parent.parent

Role = Literal["all", "gateway", "web"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
T = TypeVar("T")

SHORTEST_SECRET = 40
PEOPLES_ROLES = ("support", "finance", "product", "engineer", "auditor", "admin")
MAIL_SCHEMES = ("smtp://", "smtp+tls://", "smtp+ssl://")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
TELLTALES = ("change", "default", "example", "insecure", "secret", "password", "development")


_MAIL_PATIENCE_S = 10
_DATABASE_PATIENCE = {"connect_timeout": 5, "tcp_user_timeout": 10_000}  # s, ms


class BadEnvironment(Exception):
    """The environment cannot be started from; the message lists every reason."""


@dataclass(frozen=True, slots=True)
class Oidc:
    """The organisation's identity provider. `roles` pairs a value of the claim `role_claim` with a
    role; without them the invitation says."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    role_claim: str
    roles: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Env:
    """What the environment says."""

    production: bool
    data_dir: Path
    database_url: str
    redis_url: str
    secret_key: str
    encryption_keys: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    private_origins: tuple[Network, ...]
    trusted_proxies: tuple[str, ...]
    max_body_bytes: int
    role: Role
    breakers: bool
    log_level: str
    price_feed_url: str
    email_url: str
    email_from: str
    oidc: Oidc | None

    @property
    def database(self) -> dict[str, object]:
        """`database_url` as Django's DATABASES entry. Nobody waits for ever for a server that is
        gone without a word, unless the URL says so."""
        config = dict(environ.Env.db_url_config(self.database_url))
        config["OPTIONS"] = {**_DATABASE_PATIENCE, **config.get("OPTIONS", {})}
        return config

    @property
    def email(self) -> dict[str, object]:
        """`email_url` as Django's EMAIL_ settings; without one nothing is sent."""
        url = self.email_url or "dummymail://"
        return {**environ.Env.email_url_config(url), "EMAIL_TIMEOUT": _MAIL_PATIENCE_S}

    @property
    def encryption_ring(self) -> MultiFernet:
        """The first key encrypts, all of them decrypt. Raises ValueError when there is none."""
        return MultiFernet([Fernet(key) for key in self.encryption_keys])

    @property
    def broker_url(self) -> str:
        """`redis_url` as Celery spells it."""
        if self.redis_url.startswith("unix://"):
            path, _, query = self.redis_url.removeprefix("unix://").partition("?")
            return f"redis+socket://{path}?{query.replace('db=', 'virtual_host=')}"
        return self.redis_url


def read_env() -> Env:
    """The process's settings. Raises BadEnvironment with every problem."""
    reader = _Reader()
    production = reader.choice("ROUTERCTL_ENV", ("development", "production")) == "production"
    env = Env(
        production=production,
        data_dir=Path(reader.text("ROUTERCTL_DATA_DIR", str(ROOT / "var"))).absolute(),
        database_url=reader.url("DATABASE_URL", ("postgresql://", "postgres://")),
        redis_url=reader.url("REDIS_URL", ("redis://", "rediss://", "unix://")),
        secret_key=reader.required("ROUTERCTL_SECRET_KEY"),
        encryption_keys=reader.words("ROUTERCTL_ENCRYPTION_KEYS"),
        allowed_hosts=reader.words(
            "ROUTERCTL_ALLOWED_HOSTS", () if production else ("localhost", "127.0.0.1", "[::1]")
        ),
        private_origins=reader.each("ROUTERCTL_PRIVATE_ORIGINS", ipaddress.ip_network, "a network"),
        trusted_proxies=reader.words("ROUTERCTL_TRUSTED_PROXIES"),
        max_body_bytes=reader.count("ROUTERCTL_MAX_BODY_BYTES", 20 * 1024 * 1024),
        role=cast("Role", reader.choice("ROUTERCTL_ROLE", get_args(Role))),
        breakers=reader.choice("ROUTERCTL_BREAKERS", ("on", "off")) == "on",
        log_level=reader.choice("ROUTERCTL_LOG_LEVEL", ("INFO", *LOG_LEVELS)),
        price_feed_url=reader.text("ROUTERCTL_PRICE_FEED_URL"),
        email_url=reader.text("ROUTERCTL_EMAIL_URL"),
        email_from=reader.text("ROUTERCTL_EMAIL_FROM"),
        oidc=_read_oidc(reader, production=production),
    )
    _check_email(env, reader.problems)
    _check_keys(env, reader.problems)
    if production:
        _check_production(env, reader.problems)
    if reader.problems:
        raise BadEnvironment("The environment is not fit:\n  " + "\n  ".join(reader.problems))
    return env


def _check_keys(env: Env, problems: list[str]) -> None:
    for number, key in enumerate(env.encryption_keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            problems.append(
                f"ROUTERCTL_ENCRYPTION_KEYS: key {number} is not 32 bytes in URL-safe base64."
            )


def _read_oidc(reader: _Reader, *, production: bool) -> Oidc | None:
    issuer = reader.text("ROUTERCTL_OIDC_ISSUER").rstrip("/")
    if not issuer:
        return None
    parts = urlsplit(issuer)
    local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or (parts.scheme != "https" and (production or not local)):
        reader.problems.append(
            "ROUTERCTL_OIDC_ISSUER: must begin with https://; http:// is for loopback in "
            "development."
        )
    pairs = [pair.partition("=") for pair in reader.words("ROUTERCTL_OIDC_ROLES")]
    for value, _, role in pairs:
        if not value or role not in PEOPLES_ROLES:
            reader.problems.append(
                f"ROUTERCTL_OIDC_ROLES: {value!r} must stand for one of {', '.join(PEOPLES_ROLES)}."
            )
    return Oidc(
        issuer=issuer,
        client_id=reader.required("ROUTERCTL_OIDC_CLIENT_ID"),
        client_secret=reader.required("ROUTERCTL_OIDC_CLIENT_SECRET"),
        name=reader.text("ROUTERCTL_OIDC_NAME", "single sign-on"),
        role_claim=reader.text("ROUTERCTL_OIDC_ROLE_CLAIM"),
        roles=tuple((value, role) for value, _, role in pairs),
    )


def _check_email(env: Env, problems: list[str]) -> None:
    if env.email_url and not env.email_url.startswith(MAIL_SCHEMES):
        problems.append(f"ROUTERCTL_EMAIL_URL: must begin with {' or '.join(MAIL_SCHEMES)}.")
    if env.email_url and "@" not in env.email_from:
        problems.append("ROUTERCTL_EMAIL_FROM: required, an address, when mail is sent.")


def _check_production(env: Env, problems: list[str]) -> None:
    secret = env.secret_key
    if secret and (len(secret) < SHORTEST_SECRET or len(set(secret)) < 12):
        problems.append(
            f"ROUTERCTL_SECRET_KEY: too short or too regular; give {SHORTEST_SECRET} random "
            "characters or more."
        )
    elif any(word in secret.lower() for word in TELLTALES):
        problems.append("ROUTERCTL_SECRET_KEY: looks like a default, not like a random key.")
    if not env.encryption_keys:
        problems.append("ROUTERCTL_ENCRYPTION_KEYS: required.")
    if secret in env.encryption_keys:
        problems.append("ROUTERCTL_ENCRYPTION_KEYS: must differ from ROUTERCTL_SECRET_KEY.")
    if not env.allowed_hosts or "*" in env.allowed_hosts:
        problems.append("ROUTERCTL_ALLOWED_HOSTS: name the hosts that are served; `*` is not one.")


class _Reader:
    """Reads one name at a time and remembers what was wrong with it."""

    def __init__(self) -> None:
        self._source = environ.Env()
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return str(self._source.str(name, "")) or default

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            self.problems.append(f"{name}: required.")
        return value

    def url(self, name: str, schemes: tuple[str, ...]) -> str:
        value = self.required(name)
        if value and not value.startswith(schemes):
            self.problems.append(f"{name}: must begin with {' or '.join(schemes)}.")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of `choices`; the first when nothing is said."""
        value = self.text(name, choices[0])
        if value not in choices:
            allowed = ", ".join(dict.fromkeys(choices))
            self.problems.append(f"{name}: must be one of {allowed}; it is {value!r}.")
        return value

    def words(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A comma-separated list."""
        given = tuple(word.strip() for word in self.text(name).split(",") if word.strip())
        return given or default

    def each(self, name: str, parse: Callable[[str], T], what: str) -> tuple[T, ...]:
        parsed = []
        for word in self.words(name):
            try:
                parsed.append(parse(word))
            except ValueError:
                self.problems.append(f"{name}: {word!r} is not {what}.")
        return tuple(parsed)

    def count(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdigit() or int(value) == 0:
            self.problems.append(f"{name}: must be a number above 0; it is {value!r}.")
            return default
        return int(value)
