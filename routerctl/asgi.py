"""One ASGI application for both doors: the machine door in front, Django behind it.

`application` serves what ROUTERCTL_ROLE says. Health and metrics are there in every role.
"""

import os
from typing import Any, cast

from django.core.asgi import get_asgi_application
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from routerctl import counters, embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "routerctl.settings")
embedded.start()
_django = get_asgi_application()

from django.conf import settings  # noqa: E402  # the apps are ready only now

if counters.SETTING not in os.environ:  # `serve` has made one for all its workers
    counters.make_directory(settings.ENV.data_dir)

from apps.gateway import asgi as gateway  # noqa: E402
from apps.gateway.exchange import Receive, Scope, Send  # noqa: E402
from apps.policies.dry_run import learn_from  # noqa: E402
from routerctl.env import Role  # noqa: E402


class Application:
    """What a process of `role` answers: `gateway` has no pages, `web` no /v1/."""

    def __init__(self, role: Role) -> None:
        self._serves_machines = role != "web"
        self._serves_people = role != "gateway"
        proxies = list(settings.ENV.trusted_proxies)
        # uvicorn and Django each have types of their own for the same callables.
        self._pages: Any = (
            ProxyHeadersMiddleware(cast("Any", _django), proxies) if proxies else _django
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif self._is_for_machines(scope["path"]):
            await gateway.gateway_app(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    def _is_for_machines(self, path: str) -> bool:
        if not self._serves_people:
            return True
        return gateway.owns(path) and (self._serves_machines or not path.startswith("/v1/"))


async def _live(receive: Receive, send: Send) -> None:
    """Start with the server, and end when all that is owed is settled."""
    await receive()
    process = await gateway.startup()
    learn_from(process.health.facts, process.usual.on)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await gateway.shutdown()
    await send({"type": "lifespan.shutdown.complete"})


application = Application(settings.ENV.role)
