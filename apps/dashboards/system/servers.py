"""The servers that stand behind the processes: PostgreSQL, Valkey, the errands' workers."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from celery import Celery
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from apps.ledger.heartbeat import Beat, beats
from routerctl import embedded

_PATIENCE_S = 1.0
_QUEUE = "celery"
_WORKERS = f"_kombu.binding.{_QUEUE}.pidbox"
"""Where workers register for questions such as `are you there`."""


@dataclass(frozen=True, slots=True)
class Database:
    """`where` names no user and no password; `size_bytes` is that of this database alone."""

    version: str
    where: str
    size_bytes: int
    connections: int
    most_connections: int
    unapplied: tuple[str, ...]
    """Migrations that are still to be applied."""


@dataclass(frozen=True, slots=True)
class Valkey:
    """`version` is empty while it is away, and `trouble` says why; then nothing else is known."""

    where: str
    product: str = ""
    version: str = ""
    memory_bytes: int = 0
    beats: tuple[Beat, ...] = ()
    queue: int = 0
    errand_workers: tuple[str, ...] = ()
    trouble: str = ""


def database() -> Database:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), pg_database_size(current_database()),"
            " (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),"
            " current_setting('max_connections')::int"
        )
        version, size, connections, most = cursor.fetchone()
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    unapplied = tuple(f"{migration.app_label} {migration.name}" for migration, _ in plan)
    where = _where(settings.ENV.database_url)
    return Database(version.split()[0], where, size, connections, most, unapplied)


def valkey() -> Valkey:
    """What Valkey is and holds for us. It may be away: then that is what is told."""
    where = _where(settings.ENV.redis_url)
    try:
        with Redis.from_url(
            settings.ENV.redis_url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S
        ) as redis:
            about = redis.info()
            product = "Valkey" if "valkey_version" in about else "Redis"
            return Valkey(
                where,
                product,
                version=about.get("valkey_version") or about["redis_version"],
                memory_bytes=about["used_memory"],
                beats=tuple(beats(redis)),
                queue=int(redis.llen(_QUEUE)),
                errand_workers=_errand_workers(int(redis.scard(_WORKERS))),
            )
    except (RedisError, OperationalError, OSError) as error:
        return Valkey(where, trouble=str(error) or type(error).__name__)


def _errand_workers(registered: int) -> tuple[str, ...]:
    """Those of the registered that answer; nobody is asked when none is registered."""
    if not registered:
        return ()
    asker = Celery("system", broker=settings.CELERY_BROKER_URL, set_as_current=False)
    answers = asker.control.ping(timeout=_PATIENCE_S, limit=registered)
    return tuple(sorted(name for answer in answers for name in answer))


def _where(url: str) -> str:
    """A server's address without who enters it and how."""
    if embedded.serves(url):
        return "Embedded, started by routerctl"
    parts = urlsplit(url)
    if not parts.hostname:
        return "A local socket"
    return f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
