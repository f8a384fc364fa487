"""The environment of every test process, set before anything reads the settings.

A plugin that pytest loads first of all (`-p` in pyproject.toml): in a process that works for
another one, pytest-django reads the settings before any conftest.py is read.
"""

from __future__ import annotations

import os

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from routerctl import embedded
from tests import databases

os.environ["DJANGO_SETTINGS_MODULE"] = "routerctl.settings"
os.environ.setdefault("ROUTERCTL_DATA_DIR", str(databases.ROOT / "var" / "tests"))
os.environ.setdefault("ROUTERCTL_PRIVATE_ORIGINS", "127.0.0.0/8")
embedded.prepare()
# Every process has a database of its own, on servers which they share.
os.environ["DATABASE_URL"] = databases.renamed(os.environ["DATABASE_URL"], f"test_{os.getpid()}")
os.environ["REDIS_URL"] = databases.with_redis_database(os.environ["REDIS_URL"], os.getpid())
# Every person of every test has a password, and the real hash is slow on purpose. It is the same
# algorithm; the processes that tests start have the real number of rounds.
PBKDF2PasswordHasher.iterations = 1_000
