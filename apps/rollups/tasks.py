"""What Celery runs of this app (the times are in `settings.CELERY_BEAT_SCHEDULE`)."""

from celery import shared_task
from django.utils import timezone

from apps.rollups.rolling import roll_up


@shared_task(name="rollups.roll_up")  # type: ignore[untyped-decorator]  # Celery ships no types
def roll_up_task() -> None:
    roll_up(timezone.now())
