"""The errands' queue: `celery -A routerctl.celery worker` and `beat`. Never the request path."""

import os

from celery import Celery

from routerctl import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "routerctl.settings")
embedded.start()

app = Celery("routerctl")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
