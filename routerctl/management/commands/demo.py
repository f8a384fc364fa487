"""`manage.py demo`: everything at once, with an invented organisation and scripted providers."""

import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.utils import timezone

from apps.accounts.models import Role
from apps.accounts.tenants import EVERY_TENANT
from apps.rollups.rolling import roll_up
from apps.traces.filters import TraceFilter
from apps.traces.selectors import list_traces
from routerctl import serving
from routerctl.demo import history, organisation
from routerctl.demo.fortnight import Fortnight
from routerctl.demo.organisation import Credentials
from routerctl.demo.turns import file_before, turns
from routerctl.env import ROOT

PAST_REQUESTS = 11_000
REQUESTS = 60
MOCK_PORT = 8100
NOTICE = """
routerctl runs at {url}

Sign in:
{people}

API key: {key}

Ask something:

curl -s {url}/v1/generate -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \
-d '{{"task": "chat", "feature": "support-chat", "plan": "pro", "tenant": "mirabell", \
"input": "I was charged twice"}}'

Then open {url}, sign in as support and paste the trace_id. Ctrl-C ends it all.
"""


class Command(BaseCommand):
    help = "Serve a demo: policy, people, keys and traffic of an invented organisation."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *, host: str, port: int, **options: Any) -> None:
        if settings.ENV.production:
            raise CommandError("The demo brings people with known passwords: never in production.")
        try:
            serving.listen(host, port).close()
        except serving.CannotListen as error:
            raise CommandError(str(error)) from error
        os.environ.setdefault("ROUTERCTL_PRIVATE_ORIGINS", "127.0.0.0/8")
        for vendor in ("OPENAI", "ANTHROPIC", "GEMINI"):
            os.environ.setdefault(f"LARKFIELD_{vendor}_KEY", f"scripted-{vendor.lower()}-key")

        self.stderr.write("Preparing the database...")
        call_command("migrate", verbosity=0)
        credentials, is_new = self._organisation(_start_providers())
        _start_traffic(f"http://{host}:{port}", credentials, REQUESTS if is_new else 0, self.stderr)
        connections.close_all()
        # The server takes this process's place: Ctrl-C and signals are its own to answer.
        serve = ["manage.py", "serve", "--host", host, "--port", str(port)]
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, *serve])  # noqa: S606

    def _organisation(self, mock_url: str) -> tuple[Credentials, bool]:
        """Larkfield with its past, which is lived through once: a second start finds its traces.
        Whether this is the first."""
        fortnight = Fortnight(timezone.now() - timedelta(minutes=2), PAST_REQUESTS)
        policy = organisation.policy(mock_url)
        credentials = organisation.settle_in(
            settings.ENV.data_dir,
            mock_url,
            founded=fortnight.begins,
            first_policy=file_before(turns(fortnight), policy),
        )
        if list_traces(TraceFilter(), tenants=EVERY_TENANT, cursor=None, limit=1).traces:
            return credentials, False
        self.stderr.write("Living through two weeks...")
        people = {role: organisation.person(role) for role in Role.values}
        history.live_through(fortnight, policy, people, credentials.key, credentials.old_key)
        organisation.end_trial()
        self.stderr.write("Summing them up...")
        roll_up(timezone.now())
        return credentials, True


def _start_providers() -> str:
    """The scripted providers' URL. They end when the server does, however that ends: the other
    end of their standard input is kept open by this process and what becomes of it."""
    command = [sys.executable, "-m", "routerctl.mock", "--ends-with-stdin", "--port"]
    for port in (MOCK_PORT, 0):
        process = subprocess.Popen(
            [*command, str(port)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert process.stdin
        assert process.stdout
        url: str = process.stdout.readline().decode().strip()
        if url:
            os.set_inheritable(os.dup(process.stdin.fileno()), True)
            return url
        process.wait()
    raise CommandError("The scripted providers do not start.")


def _start_traffic(url: str, credentials: Credentials, count: int, stderr: Any) -> None:
    """Send requests as soon as the server answers, then print the notice."""
    if count:
        stderr.write(f"Sending {count} requests through the doors...")
    people = "\n".join(
        f"  {role:<9} {organisation.address(role):<28} {credentials.password}"
        for role in Role.values
    )
    notice = NOTICE.format(url=url, people=people, key=credentials.key)
    told = {"base_url": url, "count": count, "notice": notice}
    told |= {"key": credentials.key, "old_key": credentials.old_key}
    command = [sys.executable, "-m", "routerctl.demo.traffic"]
    subprocess.run(command, cwd=ROOT, input=json.dumps(told), text=True, check=True)
