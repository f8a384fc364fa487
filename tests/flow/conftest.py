"""What the tests of the whole flow share: scripted providers, and one server that has a route for
everything they ask. Both live as long as the package's tests; every test begins unheard."""

from collections.abc import Callable, Iterator

import pytest

from tests.flow.client import DOORS, PATHS, Client
from tests.flow.deaf import deaf_origin
from tests.flow.documents import deployment, document, provider, route
from tests.processes import Mock, Server, server_maker, start_mock

VENDORS = ("openai", "anthropic", "gemini")
EVERY_PATH = pytest.mark.parametrize("path", PATHS)
EVERY_DOOR = pytest.mark.parametrize("door", DOORS)
BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
STALL = {"stall_ms": 400}
GOES_ON = ["streaming", "tools", "schema", "images", "prefill"]
TABLE = {"first_token_ms": 500, "stall_ms": 500, "connect_ms": 300}

EVERYTHING = document(
    providers=[
        *(provider(f"acme-{vendor}", vendor) for vendor in VENDORS),
        *(provider(f"deaf-{v}", v) | {"base_url": "{deaf}/" + v} for v in VENDORS),
        *(provider(name) for name in ("first", "second", "third", "vectors")),
        provider("unsigned", dpa_signed=False),
        provider("deaf") | {"base_url": "{deaf}/v1"},
    ],
    deployments=[
        *(deployment(f"acme-{vendor}/kestrel", model=f"kestrel-{vendor}") for vendor in VENDORS),
        *(deployment(f"{name}/one") for name in ("first", "second", "third", "unsigned", "deaf")),
        *(deployment(f"deaf-{vendor}/kestrel") for vendor in VENDORS),
        *(
            deployment(f"{name}/goes-on", capabilities=GOES_ON)
            for name in ("second", "acme-anthropic")
        ),
        deployment("first/novelist", context_window=1000000, max_output_tokens=500000),
        deployment("vectors/one", capabilities=["embeddings"]),
        deployment("vectors/dead", capabilities=["embeddings"], model="dead~status=503"),
        deployment("vectors/slow", capabilities=["embeddings"], model="slow~latency=900"),
        deployment("acme-gemini/vectors", capabilities=["embeddings"]),
    ],
    checks=[
        {"slug": "no-secrets", "when": {}, "match": ["secrets"], "do": "block"},
        {
            "slug": "codenames",
            "when": {"feature": "discreet"},
            "do": "redact",
            "match": ["Bluebird", "re:project [0-9]+"],
        },
        {
            "slug": "no-people",
            "when": {"feature": "discreet"},
            "do": "redact",
            "match": ["personal_data"],
        },
        {"slug": "rivals", "when": {"feature": "discreet"}, "do": "flag", "match": ["Initech"]},
    ],
    gates=[
        {
            "slug": f"agreement-or-{way}",
            "when": {"feature": way, "sensitivity": ["pii"]},
            "require": {"provider.dpa_signed": True},
            "otherwise": way,
        }
        for way in ("block", "redact", "downgrade")
    ],
    routes=[
        *(route(f"behind-{vendor}", f"acme-{vendor}/kestrel") for vendor in VENDORS),
        *(route(f"restless-{v}", f"acme-{v}/kestrel", limits=STALL) for v in VENDORS),
        *(route(f"table-{v}", f"acme-{v}/kestrel", "second/one", limits=TABLE) for v in VENDORS),
        *(route(f"alone-{v}", f"acme-{v}/kestrel", limits=TABLE) for v in VENDORS),
        *(route(f"deaf-{v}", f"deaf-{v}/kestrel", "second/one", limits=TABLE) for v in VENDORS),
        *(route(f"larger-{v}", f"acme-{v}/kestrel", "first/novelist") for v in VENDORS),
        route("vectors", "vectors/one"),
        route("dead-vectors", "vectors/dead", fallback=["vectors/one"]),
        route("slow-vectors", "vectors/slow"),
        route("gemini-vectors", "acme-gemini/vectors"),
        route("one", "first/one"),
        route("discreet", "first/one"),
        *(route(way, "unsigned/one") for way in ("block", "redact", "downgrade")),
        route("long", "first/novelist", limits={"max_output_tokens": 500000}),
        route("ladder", "first/one", "second/one", "third/one"),
        route("two-attempts", "first/one", "second/one", "third/one", limits={"attempts": 2}),
        route("deaf", "deaf/one", "second/one", limits={"connect_ms": 300}),
        route("impatient", "first/one", "second/one", limits={"first_token_ms": 400}),
        route("restless", "first/one", "second/one", limits=STALL),
        route("hurried", "first/one", "second/one", limits={"total_ms": 800}),
        route("carried", "first/one", "second/goes-on", stream_recovery="continue", limits=STALL),
        route(
            "carried-to-anthropic",
            "first/one",
            "third/one",
            "acme-anthropic/goes-on",
            stream_recovery="continue",
            limits=STALL,
        ),
        route("refused", "first/one", "first/novelist", "second/one", on_refusal="other_provider"),
        route("restarted", "first/one", "second/one", stream_recovery="continue", limits=STALL),
        route("buffered", "first/one", "second/one", stream_recovery="buffer", limits=STALL),
        route("buffered-alone", "first/one", stream_recovery="buffer"),
        {"slug": "otherwise", "when": {}, "strategy": "priority", "candidates": ["first/one"]},
    ],
)


@pytest.fixture(scope="package")
def providers() -> Iterator[Mock]:
    """The scripted providers of this package."""
    with start_mock() as running:
        yield running


@pytest.fixture
def mock(providers: Mock) -> Mock:
    """The same, which nobody has called yet."""
    providers.forget()
    return providers


@pytest.fixture(scope="package")
def shared_server(providers: Mock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that leave it as they found it. Its configuration is EVERYTHING."""
    with deaf_origin() as deaf, server_maker(providers, tmp_path_factory.mktemp("flow")) as make:
        server = make(ROUTERCTL_BREAKERS="off")  # its tests break providers all the time
        server.start()
        server.apply(EVERYTHING.replace("{deaf}", deaf))
        yield server


@pytest.fixture(scope="package")
def key(shared_server: Server) -> Callable[..., str]:
    """A key of the shared server: `key("--legacy")` with what `create_api_key` takes. Made once."""
    made: dict[tuple[str, ...], str] = {}

    def make(*options: str) -> str:
        if options not in made:
            made[options] = shared_server.create_key(*options)
        return made[options]

    return make


@pytest.fixture
def client(shared_server: Server, mock: Mock, key: Callable[..., str]) -> Iterator[Client]:
    """A client that may do everything and is told nothing about who answers."""
    with Client(shared_server, key("--scopes", "generate,read,decide")) as client:
        yield client


@pytest.fixture
def careless(shared_server: Server, mock: Mock, key: Callable[..., str]) -> Iterator[Client]:
    """A client for floods of refusals, of which only the first of each second and key are traced:
    who reads traces uses another key."""
    with Client(shared_server, key("--app", "careless")) as client:
        yield client
