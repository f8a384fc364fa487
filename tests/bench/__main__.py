"""`python -m tests.bench`: routerctl beside the bare proxy and the peers, in one run.

The gateway has core 0 for itself; provider, load, PostgreSQL and Valkey share core 1. Every round
measures every target, and the table shows medians over the rounds. Machines are noisy: compare
rows of one run only, and take gaps under 1.5 for ties.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests.bench.report import write_report
from tests.bench.routerctl import prepared_routerctl
from tests.bench.targets import (
    BUILD,
    HERE,
    REST_CORE,
    UPSTREAM_PORT,
    Target,
    running,
    targets,
)

# name: connections, seconds, streamed, wait µs, gap µs, share of c32's rate (0: as fast as can be)
MEASURES = {
    "c32": (32, 3.0, False, 0, 0, 0.0),
    "c128": (128, 3.0, False, 0, 0, 0.0),
    "c1": (1, 1.5, False, 0, 0, 0.0),
    "half": (64, 3.0, False, 0, 0, 0.5),
    "wait50": (32, 3.0, False, 50_000, 0, 0.0),
    "stream": (32, 3.0, True, 0, 1000, 0.0),
    "stream1": (1, 1.5, True, 0, 1000, 0.0),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-t", "--targets", default="", help="only targets whose name has this")
    parser.add_argument("-n", "--rounds", type=int, default=3)
    parser.add_argument("-m", "--measures", default=",".join(MEASURES))
    parser.add_argument("--scale", type=float, default=1.0, help="length of each measure")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    args = parser.parse_args()
    build()
    with prepared_routerctl() as routerctl:
        chosen = [t for t in targets(routerctl) if args.targets.lower() in t.name.lower()]
        upstream = subprocess.Popen(
            ["taskset", "-c", REST_CORE, str(BUILD / "upstream"), str(UPSTREAM_PORT)]
        )
        try:
            rows = {t.name: [] for t in chosen}
            for round_number in range(args.rounds):
                for target in chosen:
                    rows[target.name].append(measure(target, args))
                    last = rows[target.name][-1].get("c32", {})
                    print(f"[{round_number + 1}] {target.name}: {last}", file=sys.stderr)
        finally:
            upstream.terminate()
            upstream.wait()
    write_report(rows, {t.name: t.version for t in chosen}, fdatasync_us(), save=args.write)
    return 0


def build() -> None:
    """Compile the provider and the load generator."""
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in ("upstream", "load"):
        subprocess.run(["gcc", "-O2", "-o", BUILD / name, HERE / f"{name}.c"], check=True)


def measure(target: Target, args: argparse.Namespace) -> dict[str, dict[str, float]]:
    """All measures of one target, from a fresh start."""
    result: dict[str, dict[str, float]] = {}
    with running(target):
        wait_until_it_answers(target)
        load(target, "c32", args.scale * 0.5)
        for name in args.measures.split(","):
            share = MEASURES[name][5]
            rate = share * result["c32"]["per_s"] if share else 0.0
            result[name] = load(target, name, args.scale, rate)
        if target.pid:
            result["memory"] = {"pss_mb": pss_mb(target.pid)}
    return result


def load(target: Target, name: str, scale: float, rate: float = 0.0) -> dict[str, float]:
    """One measure. `cpu_us` is the gateway's CPU per answered request, warm-up included."""
    connections, seconds, stream, wait_us, gap_us, _ = MEASURES[name]
    body = write_body(name, target.model, stream, wait_us, gap_us)
    command = [
        "taskset", "-c", REST_CORE, str(BUILD / "load"), "-a", f"127.0.0.1:{target.port}",
        "-p", target.path, "-b", str(body), "-c", str(connections), "-d", str(seconds * scale),
        "-w", "0.5",
    ]  # fmt: skip
    for header in target.headers:
        command += ["-H", header]
    if stream:
        command += ["-e", "[DONE]", "-n", "15"]
    if rate:
        command += ["-r", str(rate)]
    before = cpu_s(target.pid)
    result: dict[str, float] = json.loads(subprocess.check_output(command))
    total = result["per_s"] * (seconds * scale + 0.5)
    result["cpu_us"] = (cpu_s(target.pid) - before) / total * 1e6 if total else 0.0
    if result["errors"]:
        print(f"{target.name} {name}: {result['first_error']}", file=sys.stderr)
    return result


def write_body(name: str, model: str, stream: bool, wait_us: int, gap_us: int) -> Path:
    """A support conversation of about 2 KB."""
    rules = "Answer briefly, quote order numbers exactly, and ask for the number if it is missing. "
    turn = "The lamp that came on the third has a cracked shade; what are my options? "
    document = {
        "model": model,
        "messages": [
            {"role": "system", "content": f"[[wait={wait_us} gap={gap_us}]] " + rules * 6},
            {"role": "user", "content": turn * 5},
            {"role": "assistant", "content": "Could you share the order number, please? " * 4},
            {"role": "user", "content": "It is 4471-0093. " + turn * 4},
        ],
        "temperature": 0.2,
        "max_tokens": 256,
        **({"stream": True, "stream_options": {"include_usage": True}} if stream else {}),
    }
    path = BUILD / f"body-{name}.json"
    path.write_text(json.dumps(document))
    return path


def wait_until_it_answers(target: Target) -> None:
    body = write_body("up", target.model, False, 0, 0).read_bytes()
    headers = dict(h.split(": ", 1) for h in target.headers) | {"content-type": "application/json"}
    request = Request(f"http://127.0.0.1:{target.port}{target.path}", body, headers)
    problem: object = None
    for _ in range(600):
        try:
            with urlopen(request, timeout=5) as response:
                if b"usage" in response.read():
                    return
        except (URLError, OSError) as error:
            problem = error
        time.sleep(0.1)
    raise RuntimeError(f"{target.name} does not answer: {problem}")


def tree(pid: int) -> list[int]:
    """`pid` and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def cpu_s(pid: int | None) -> float:
    total = 0
    for each in tree(pid) if pid else ():
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def pss_mb(pid: int) -> float:
    total = 0
    for each in tree(pid):
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def fdatasync_us() -> float:
    """The machine's median fdatasync of a small append: what a durable commit waits for."""
    path = BUILD / "fdatasync"
    took = []
    with path.open("wb") as file:
        for _ in range(200):
            file.write(b"x" * 512)
            file.flush()
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - begin)
    path.unlink()
    return statistics.median(took) * 1e6


if __name__ == "__main__":
    sys.exit(main())
