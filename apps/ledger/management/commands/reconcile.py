"""manage.py reconcile: whether caps' windows say what holds and traces say."""

import asyncio
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.ledger.reconciler import LOOKS_BACK, Finding, connect, reconcile


class Command(BaseCommand):
    help = "Compare caps' windows with holds, traces and limits. Exit code 1: something is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--days", type=int, default=LOOKS_BACK.days,
            help="look at windows that began in so many days",
        )  # fmt: skip

    def handle(self, *, days: int, **options: Any) -> None:
        findings = asyncio.run(_found(timedelta(days=days)))
        for finding in findings:
            self.stdout.write(f"{finding}")
        if findings:
            sys.exit(1)
        self.stdout.write("The books are right.")


async def _found(looks_back: timedelta) -> list[Finding]:
    async with await connect(settings.ENV.database_url) as connection:
        return await reconcile(connection, datetime.now(UTC), looks_back)
