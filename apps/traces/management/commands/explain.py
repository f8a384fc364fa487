"""manage.py explain: what happened to one request, and why, as text."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.tenants import EVERY_TENANT
from apps.traces.explain import explain
from apps.traces.selectors import find_trace


class Command(BaseCommand):
    help = "Tell the verdict, the decision and the attempts of one trace."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("trace_id", help="as X-Trace-Id gave it, with or without dashes")

    def handle(self, *args: Any, **options: Any) -> None:
        trace = find_trace(options["trace_id"], tenants=EVERY_TENANT)
        if trace is None:
            raise CommandError(f"There is no trace {options['trace_id']}.")
        self.stdout.write(explain(trace))
