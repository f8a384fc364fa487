"""`python -m tests.bench.caps`: what caps cost a request, in one run.

Six caps of every kind count each request; of ten and of a thousand the others count somebody
else's. Rounds alternate, so that every row meets the same noise; the table shows medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from typing import Any

from tests.bench.__main__ import build, load, wait_until_it_answers
from tests.bench.routerctl import MANAGE, prepared_routerctl
from tests.bench.targets import BUILD, REST_CORE, UPSTREAM_PORT, Target, running

COUNTING: list[dict[str, Any]] = [
    {"slug": "all", "period": "month"},
    {"slug": "of-the-feature", "scope": {"feature": "support-chat"}},
    {"slug": "of-the-plan", "scope": {"plan": ["free", "pro"]}, "time_zone": "Europe/Berlin"},
    {"slug": "of-the-tenant", "scope": {"tenant": "acme"}, "per": ["user"]},
    {"slug": "of-dear-ones", "scope": {"deployment": ["bench/one", "bench/three"]}},
    {"slug": "each-tenants", "per": ["tenant"], "period": "hour", "limit_requests": 10**12},
]
ROWS = (0, 6, 10, 1000)
RATE = 200


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="length of each measure")
    args = parser.parse_args()
    build()
    with prepared_routerctl() as target:
        upstream = subprocess.Popen(
            ["taskset", "-c", REST_CORE, str(BUILD / "upstream"), str(UPSTREAM_PORT)]
        )
        found: dict[int, list[dict[str, dict[str, float]]]] = {number: [] for number in ROWS}
        try:
            for _ in range(args.rounds):
                for number in ROWS:
                    found[number].append(_measured(target, number, args.scale))
                    print(number, found[number][-1], file=sys.stderr)
        finally:
            upstream.terminate()
            upstream.wait()
    for number, rounds in found.items():
        print(_line(number, rounds))
    return 0


def _measured(target: Target, number: int, scale: float) -> dict[str, dict[str, float]]:
    _apply(number)
    with running(target):
        wait_until_it_answers(target)
        load(target, "c32", scale * 0.5)
        return {"calm": load(target, "c32", scale * 2, RATE), "full": load(target, "c32", scale)}


def _apply(number: int) -> None:
    """The benchmark's policy with so many caps."""
    policy = (BUILD / "policy.yaml").read_text()
    caps = [{"period": "day", **one} for one in COUNTING[:number]]
    others = max(0, number - len(COUNTING))
    caps += [
        {"slug": f"another-{n}", "period": "day", "scope": {"tenant": f"t-{n}"}}
        for n in range(others)
    ]
    for one in caps:
        if "limit_requests" not in one:
            one["limit_usd"] = "900000"
    path = BUILD / "capped.yaml"
    path.write_text(f"{policy}\ncaps: {json.dumps(caps)}\n")
    said = subprocess.run(
        [*MANAGE, "apply_config", "-f", path], capture_output=True, text=True, env=os.environ
    )
    assert said.returncode == 0, said.stderr


def _line(number: int, rounds: list[dict[str, dict[str, float]]]) -> str:
    def median(measure: str, name: str) -> float:
        return statistics.median(one[measure][name] for one in rounds)

    return (
        f"{number:5} caps: {median('full', 'per_s'):7.0f} requests/s;"
        f" at {RATE}/s p50 {median('calm', 'p50_ms'):.2f} ms,"
        f" p99 {median('calm', 'p99_ms'):.2f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
