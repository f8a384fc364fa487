"""The benchmark's table: in the terminal always, in docs/performance.md when asked."""

import datetime
import platform
import statistics
from importlib.metadata import version
from pathlib import Path

from tests.bench.targets import ROOT

Rounds = list[dict[str, dict[str, float]]]

COLUMNS = (
    ("req/s at 32", "c32", "per_s", 0),
    ("at 128", "c128", "per_s", 0),
    ("CPU µs", "c32", "cpu_us", 0),
    ("alone p50 ms", "c1", "p50_ms", 2),
    ("half load p50", "half", "p50_ms", 2),
    ("p99", "half", "p99_ms", 2),
    ("50 ms upstream p50", "wait50", "p50_ms", 2),
    ("p99", "wait50", "p99_ms", 2),
    ("streams/s", "stream", "per_s", 0),
    ("first token alone p50 ms", "stream1", "first_byte_p50_ms", 2),
    ("memory MB", "memory", "pss_mb", 0),
)
MARK = "<!-- bench -->"


def write_report(
    rows: dict[str, Rounds], versions: dict[str, str], fdatasync_us: float, *, save: bool
) -> None:
    """Print the table of medians, and the ratios that matter; `save` puts it into the docs."""
    table = "\n".join([*_head(), *(_row(name, rounds) for name, rounds in rows.items())])
    text = "\n\n".join([_machine(versions, fdatasync_us), table, _ratios(rows)])
    print(text)
    if save:
        path = ROOT / "docs" / "performance.md"
        before, _, rest = path.read_text().partition(MARK)
        _, _, after = rest.partition(MARK)
        path.write_text(f"{before}{MARK}\n\n{text}\n\n{MARK}{after}")


def _head() -> list[str]:
    return [
        "| | " + " | ".join(title for title, *_ in COLUMNS) + " | errors |",
        "|---|" + "--:|" * (len(COLUMNS) + 1),
    ]


def _row(name: str, rounds: Rounds) -> str:
    cells = []
    for _, measure, field, digits in COLUMNS:
        value = median(rounds, measure, field)
        cells.append("–" if value is None else f"{value:.{digits}f}")
    errors = sum(m.get("errors", 0) for r in rounds for m in r.values())
    return f"| {name} | " + " | ".join(cells) + f" | {errors:.0f} |"


def median(rounds: Rounds, measure: str, field: str) -> float | None:
    values = [r[measure][field] for r in rounds if field in r.get(measure, {})]
    return statistics.median(values) if values else None


def _ratios(rows: dict[str, Rounds]) -> str:
    ours = next((rounds for name, rounds in rows.items() if name.startswith("routerctl")), None)
    if ours is None:
        return ""
    lines = []
    for name, rounds in rows.items():
        if rounds is ours:
            continue
        parts = []
        for label, measure in (("requests", "c32"), ("streams", "stream")):
            mine, theirs = median(ours, measure, "per_s"), median(rounds, measure, "per_s")
            if mine and theirs:
                parts.append(f"{mine / theirs:.2f} × its {label}")
        lines.append(f"- beside {name}: " + ", ".join(parts))
    direct = rows.get("direct, no gateway")
    if direct is not None:
        added = [_added(ours, direct, field) for field in ("p50_ms", "p99_ms")]
        lines.append(f"- added at half load: p50 {added[0]:.2f} ms, p99 {added[1]:.2f} ms")
    return "\n".join(lines)


def _added(ours: Rounds, direct: Rounds, field: str) -> float:
    return (median(ours, "half", field) or 0.0) - (median(direct, "half", field) or 0.0)


def _machine(versions: dict[str, str], fdatasync_us: float) -> str:
    cpu = next(
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    stack = ", ".join(f"{p} {version(p)}" for p in ("uvicorn", "uvloop", "httptools", "Django"))
    peers = ", ".join(f"{name} {v}" for name, v in versions.items() if v)
    today = datetime.datetime.now(datetime.UTC).date()
    return (
        f"{today}: {cpu}, Linux {platform.release()}, Python {platform.python_version()}, {stack}; "
        f"{peers or 'no peers installed'}. Median fdatasync {fdatasync_us:.0f} µs."
    )
