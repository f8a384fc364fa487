"""manage.py rollup: sums traces up by hand, as Celery does every minute."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from apps.rollups.rolling import roll_up


class Command(BaseCommand):
    help = "Sum up the quarters of an hour that are due. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        rolled = roll_up(timezone.now(), self._progress)
        if rolled.left:
            self.stderr.write(f"Another process is at it: {rolled.left} quarters are due still.")
        self.stdout.write(
            f"Summed up {rolled.traces} traces in {rolled.slots} quarters of an hour."
        )

    def _progress(self, done: int, due: int) -> None:
        if done == due or done % 96 < 4:  # about once for each day of traces
            self.stderr.write(f"{done} of {due} quarters")
