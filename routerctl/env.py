"""Settings from the environment, read once, typed, with every problem told at once.

`.env.example` documents each name. Nothing else in the project reads `os.environ`, except
`catalog.secrets`, which resolves `env:NAME` references.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

import environ

ROOT = Path(__file__).resolve().parent.parent


class BadEnvironment(Exception):
    """The environment cannot be started from; the message lists every reason."""


@dataclass(frozen=True, slots=True)
class Env:
    """What the environment says. `database_url` and `redis_url` are empty when the embedded
    servers serve (development only)."""

    production: bool
    data_dir: Path
    database_url: str
    redis_url: str
    secret_key: str
    encryption_keys: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    private_origins: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    max_body_bytes: int
    log_level: str

    @property
    def database(self) -> dict[str, object]:
        """`database_url` as Django's DATABASES entry."""
        return dict(environ.Env.db_url_config(self.database_url))


def read_env() -> Env:
    """The process's settings. Raises BadEnvironment with every problem."""
    source = environ.Env()
    return Env(
        production=source.str("ROUTERCTL_ENV", "development") == "production",
        data_dir=Path(source.str("ROUTERCTL_DATA_DIR", str(ROOT / "var"))).absolute(),
        database_url=source.str("DATABASE_URL", ""),
        redis_url=source.str("REDIS_URL", ""),
        secret_key=source.str("ROUTERCTL_SECRET_KEY", "development-only"),
        encryption_keys=tuple(source.list("ROUTERCTL_ENCRYPTION_KEYS", default=[])),
        allowed_hosts=tuple(source.list("ROUTERCTL_ALLOWED_HOSTS", default=["*"])),
        private_origins=tuple(
            ipaddress.ip_network(n) for n in source.list("ROUTERCTL_PRIVATE_ORIGINS", default=[])
        ),
        max_body_bytes=source.int("ROUTERCTL_MAX_BODY_BYTES", 20 * 1024 * 1024),
        log_level=source.str("ROUTERCTL_LOG_LEVEL", "INFO"),
    )
