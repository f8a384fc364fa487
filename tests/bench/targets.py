"""What is measured: how each gateway is started on the pinned core, and how it is asked."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "bench"
PEERS = BUILD / "peers"
GATEWAY_CORE, REST_CORE = "0", "1"
UPSTREAM_PORT, GATEWAY_PORT = 19100, 19300
ORIGIN = f"http://127.0.0.1:{UPSTREAM_PORT}"
KEY = "sk-bench"

UVICORN = (
    sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(GATEWAY_PORT),
    "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning",
    "--lifespan", "off", "--backlog", "2048",
)  # fmt: skip


@dataclass
class Target:
    """A gateway under load. `headers` and `path` are how it wants to be asked."""

    name: str
    command: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    port: int = GATEWAY_PORT
    path: str = "/v1/chat/completions"
    model: str = "bench"
    headers: tuple[str, ...] = (f"authorization: Bearer {KEY}",)
    address_pattern: str | None = None
    """Set when the gateway chooses its own port and prints it."""
    version: str = ""
    pid: int | None = None


def targets(routerctl: "Target") -> list[Target]:
    """Every target that can run here; peers only when they are installed under build/."""
    found = [
        Target("direct, no gateway", port=UPSTREAM_PORT),
        Target(
            "bare proxy (floor)",
            (*UVICORN, "--app-dir", str(ROOT), "tests.bench.floor:app"),
            {"UPSTREAM": ORIGIN, "FLOOR_KEY": KEY},
        ),
        routerctl,
    ]
    return found + [peer for peer in (_tensorzero(), _portkey(), _litellm()) if peer is not None]


def _tensorzero() -> Target | None:
    python = PEERS / "tensorzero/bin/python"
    if not python.exists():
        return None
    config = BUILD / "tensorzero.toml"
    config.write_text(
        "[gateway]\nobservability.enabled = false\n[models.bench]\nrouting = ['bench']\n"
        "[models.bench.providers.bench]\ntype = 'openai'\nmodel_name = 'bench'\n"
        f"api_base = '{ORIGIN}/v1/'\napi_key_location = 'none'\n"
    )
    start = (
        "import asyncio, sys\n"
        "from tensorzero.tensorzero import _start_http_gateway as start\n"
        "async def main():\n"
        "    g = await start(config_file=sys.argv[1], clickhouse_url=None, postgres_url=None,"
        " valkey_url=None, async_setup=True)\n"
        "    print('BASE', g.base_url, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    return Target(
        "TensorZero",
        (str(python), "-c", start, str(config)),
        {"TOKIO_WORKER_THREADS": "1", "RUST_LOG": "error"},
        model="tensorzero::model_name::bench",
        address_pattern=r"BASE http://[^:]+:(\d+)(\S*)",
        version=_pip_version(python, "tensorzero"),
    )


def _litellm() -> Target | None:
    program = PEERS / "litellm/bin/litellm"
    if not program.exists():
        return None
    config = BUILD / "litellm.yaml"
    config.write_text(
        "model_list:\n  - model_name: bench\n    litellm_params:\n      model: openai/bench\n"
        f"      api_base: {ORIGIN}/v1\n      api_key: sk-upstream\n"
        f"general_settings: {{master_key: {KEY}}}\n"
        "litellm_settings: {telemetry: false, set_verbose: false, json_logs: true}\n"
    )
    quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "NO_DOCS": "True"}
    return Target(
        "LiteLLM",
        (str(program), "--config", str(config), "--host", "127.0.0.1",
         "--port", str(GATEWAY_PORT), "--num_workers", "1"),
        {**quiet, "LITELLM_MODE": "PRODUCTION"},
        version=_pip_version(program.parent / "python", "litellm"),
    )  # fmt: skip


def _portkey() -> Target | None:
    package = PEERS / "portkey/node_modules/@portkey-ai/gateway"
    server = package / "build/start-server-bench.js"
    if not server.exists():
        return None
    config = {"provider": "openai", "api_key": "sk-upstream", "custom_host": ORIGIN + "/v1"}
    return Target(
        "Portkey",
        ("node", str(server), f"--port={GATEWAY_PORT}", "--headless"),
        {"NODE_ENV": "production"},
        headers=("x-portkey-config: " + json.dumps(config),),
        version=json.loads((package / "package.json").read_text())["version"],
    )


def _pip_version(python: Path, package: str) -> str:
    code = f"from importlib.metadata import version; print(version('{package}'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


@contextmanager
def running(target: Target) -> Iterator[Target]:
    """Start `target` on the gateway's core, wait for its first answer, stop it afterwards."""
    if not target.command:
        yield target
        return
    log = BUILD / f"{re.sub(r'[^a-z]+', '-', target.name.lower())}.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            ["taskset", "-c", GATEWAY_CORE, *target.command],
            env={**_environment(target), **target.env}, stdout=out, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    target.pid = process.pid
    try:
        if target.address_pattern:
            _read_address(target, log)
        yield target
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def _environment(target: Target) -> dict[str, str]:
    """Peers get nothing of ours: LiteLLM would take our database for its own."""
    ours = ("DATABASE_URL", "REDIS_URL", "ROUTERCTL_")
    if target.name == "routerctl":
        return dict(os.environ)
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _read_address(target: Target, log: Path) -> None:
    assert target.address_pattern is not None
    for _ in range(300):
        found = re.search(target.address_pattern, log.read_text())
        if found:
            target.port = int(found[1])
            target.path = found[2].rstrip("/") + "/chat/completions"
            return
        time.sleep(0.1)
    raise RuntimeError(f"{target.name} did not say where it listens; see {log}")
