"""`manage.py serve`: the server alone."""

from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from routerctl import counters, serving
from routerctl.env import Role


class Command(BaseCommand):
    help = "Serve the doors: /v1/... for machines, pages and /api/v1/ for people and tools."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000, help="0: any free one")
        parser.add_argument("--workers", type=int, default=1, help="processes")
        parser.add_argument(
            "--role",
            choices=("all", "gateway", "web"),
            default=settings.ENV.role,
            help="gateway: machines alone; web: people and /api/v1/ alone",
        )

    def handle(self, *, host: str, port: int, workers: int, role: Role, **options: Any) -> None:
        if workers < 1:
            raise CommandError("--workers must be at least 1.")
        _check_migrations()
        try:
            listener = serving.listen(host, port)
        except serving.CannotListen as error:
            raise CommandError(str(error)) from error
        self._announce(listener.getsockname(), workers, role)
        with counters.directory(settings.ENV.data_dir):
            code = _serve(listener, workers, role)
        if code:
            raise SystemExit(code)

    def _announce(self, address: Any, workers: int, role: Role) -> None:
        host, port = address[0], address[1]
        name = f"[{host}]" if ":" in host else host
        self.stderr.write(
            f"Serving on http://{name}:{port} (role {role}, workers {workers}). Ctrl-C ends it."
        )


def _serve(listener: Any, workers: int, role: Role) -> int:
    connections.close_all()
    load = partial(_load, role)
    if workers > 1:
        return serving.Supervisor(listener, load, workers, _forget_gauges).run()
    serving.work(listener, load)
    return 0


def _load(role: Role) -> Any:
    """In the worker, where the gateway's own threads and connections belong."""
    from apps.gateway.asgi import drain
    from routerctl.asgi import Application

    return Application(role), drain


def _forget_gauges(pid: int) -> None:
    """What a dead worker had in flight is no longer in flight."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)  # type: ignore[no-untyped-call]


def _check_migrations() -> None:
    try:
        executor = MigrationExecutor(connection)
    except OperationalError as error:
        reason = str(error).partition("\n")[0]
        raise CommandError(f"The database does not answer: {reason}") from error
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        raise CommandError(
            f"The database lacks {len(missing)} migrations: run `manage.py migrate` first."
        )
