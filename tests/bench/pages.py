"""`python -m tests.bench.pages`: how long every page takes with 100 000 traces behind it.

The demo's fortnight, as many times as dense, in a database of its own that is gone afterwards.
Each page is asked for in this process, without a network: what is printed is the work of the page
and of the database. Nothing is asserted; machines differ.
"""

import argparse
import os
import statistics
import sys
import time
from datetime import UTC, datetime

from tests.bench.targets import BUILD

ROUNDS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--traces", type=int, default=100_000)
    args = parser.parse_args()
    os.environ.update(
        DJANGO_SETTINGS_MODULE="routerctl.settings",
        ROUTERCTL_DATA_DIR=str(BUILD / "data"),
        ROUTERCTL_PRIVATE_ORIGINS="127.0.0.0/8",
    )
    from routerctl import embedded
    from tests import databases

    embedded.prepare()
    embedded.start()
    os.environ["DATABASE_URL"] = url = databases.renamed(os.environ["DATABASE_URL"], "pages")
    databases.drop(url)
    databases.create(url)
    try:
        measure(args.traces)
    finally:
        databases.drop(url)


def measure(count: int) -> None:
    import django

    django.setup()
    from django.db import connection
    from django.test import Client

    from apps.accounts.models import User
    from tests.demo.lived import live
    from tests.demo.paths import paths

    began = time.monotonic()
    past = live(count, datetime.now(UTC))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(f"{past.sent} traces made in {time.monotonic() - began:.0f} s", file=sys.stderr)
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(User.objects.get(role="admin"))
    print(f"{'page':<36} {'status':>6} {'ms':>7} {'in SQL':>7} {'queries':>7} {'KB':>6}")
    for name, path in paths(past).items():
        print(f"{name:<36} {of_page(client, path)}")


def of_page(client, path: str) -> str:
    """Medians of a page's time and of the part that the database took, in ms; its queries and
    its size."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    took, in_sql = [], []
    for _ in range(ROUNDS):
        with CaptureQueriesContext(connection) as captured:
            began = time.perf_counter()
            answer = client.get(path)
            took.append((time.perf_counter() - began) * 1000)
        in_sql.append(sum(float(query["time"]) for query in captured) * 1000)
    told = f"{answer.status_code:6} {statistics.median(took):7.1f} {statistics.median(in_sql):7.1f}"
    return f"{told} {len(captured):7} {len(answer.content) / 1000:6.1f}"


if __name__ == "__main__":
    main()
