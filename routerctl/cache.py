"""Django's cache on Valkey or Redis, which may be lost: without it everything works on, only
less is remembered, such as how often a password was tried."""

from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as Silent

log = structlog.get_logger(__name__)


class ForgivingRedisCache(RedisCache):
    """A cache that is empty, and keeps nothing, while its server is away."""

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._tried("add", True, *args, **kwargs))

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._tried("get", default, key, default=default, version=version)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._tried("set", None, *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._tried("touch", False, *args, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._tried("delete", False, *args, **kwargs))

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._tried("get_many", {}, *args, **kwargs)

    def has_key(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._tried("has_key", False, *args, **kwargs))

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._tried("set_many", [], *args, **kwargs)

    def delete_many(self, *args: Any, **kwargs: Any) -> None:
        self._tried("delete_many", None, *args, **kwargs)

    def _tried(self, name: str, without: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(super(), name)(*args, **kwargs)
        except (Unreachable, Silent):
            log.warning("cache_away", operation=name)
            return without
