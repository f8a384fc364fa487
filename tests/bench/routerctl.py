"""routerctl as it is measured: everything on, one worker, real PostgreSQL and Valkey.

The servers run on the core that the gateway does not have; the gateway is the ordinary
`manage.py serve`, configured through the ordinary commands.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from routerctl import embedded
from tests import databases
from tests.bench.targets import BUILD, GATEWAY_PORT, HERE, REST_CORE, ROOT, UPSTREAM_PORT, Target

MANAGE = (sys.executable, str(ROOT / "manage.py"))


@contextmanager
def prepared_routerctl() -> Iterator[Target]:
    """A fresh database with the benchmark's policy and a key; gone afterwards."""
    os.sched_setaffinity(
        0, {int(REST_CORE)}
    )  # what we start from here stays off the gateway's core
    os.environ.update(
        ROUTERCTL_DATA_DIR=str(BUILD / "data"),
        ROUTERCTL_PRIVATE_ORIGINS="127.0.0.0/8",
        BENCH_SECRET="sk-upstream",
    )
    embedded.prepare()
    embedded.start()
    os.environ["DATABASE_URL"] = databases.renamed(os.environ["DATABASE_URL"], "bench")
    databases.drop(os.environ["DATABASE_URL"])
    databases.create(os.environ["DATABASE_URL"])
    try:
        yield _target()
    finally:
        databases.drop(os.environ["DATABASE_URL"])


def _target() -> Target:
    policy = BUILD / "policy.yaml"
    text = (HERE / "policy.yaml").read_text().replace("UPSTREAM_PORT", str(UPSTREAM_PORT))
    policy.write_text(text)
    subprocess.run([*MANAGE, "apply_config", "-f", policy], check=True, stdout=subprocess.DEVNULL)
    made = subprocess.run(
        [*MANAGE, "create_api_key", "--name", "bench", "--tenant", "acme", "--plan", "free"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    key = made.stdout.split()[-1]
    return Target(
        "routerctl",
        (*MANAGE, "serve", "--host", "127.0.0.1", "--port", str(GATEWAY_PORT), "--workers", "1"),
        model="auto",
        headers=(f"authorization: Bearer {key}", "x-feature: support-chat", "x-user: u-123456"),
    )
