"""A real browser in front of a real server.

Debian's Chromium, because wheels bring none. Playwright's loop runs on the main thread while it
lives, so it lives only as long as the tests of this package, and Django is told not to mind.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from redis import Redis

from apps.accounts import people
from apps.accounts.models import User
from apps.ledger.heartbeat import Trouble
from apps.ledger.models import Trace
from apps.policies import live
from apps.policies.apply import apply
from tests.apps.api.conftest import POLICY
from tests.apps.ledger.beats import beat, say
from tests.apps.ledger.filled import filled
from tests.apps.policies.files import EXAMPLE
from tests.apps.traces.stored import keep
from tests.browser.axe import violations
from tests.browser.gallery import GALLERY, at
from tests.browser.screenshots import LOOKS, SIZES
from tests.browser.watch import Watch

CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PASSWORD = "Lantern-Harbour-42"
FOLDER = Path(__file__).resolve().parents[2] / "screenshots"
SCROLLS_SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"

SignIn = Callable[..., User]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", action="store_true", help="write a picture of every page")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever is seen is seen in both themes and both sizes; for pictures, in each with each."""
    if {"scheme", "size"} <= set(metafunc.fixturenames):
        every = metafunc.config.getoption("--screenshots", default=False)
        metafunc.parametrize(("scheme", "size"), LOOKS if every else LOOKS[:2])


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as started:
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing: run `make setup` as root, it installs it.")
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    return {"locale": "en-GB", "timezone_id": "Europe/Berlin"}


@pytest.fixture(autouse=True)
def watch(context: BrowserContext, live_server: Any) -> Iterator[Watch]:
    """Fails every test here for anything that a page should not do."""
    watch = Watch(context, live_server.url)
    yield watch
    watch.expect_nothing()


@pytest.fixture
def support(transactional_db: None) -> User:
    return people.create(
        email="sam@example.com",
        name="Sam Porter",
        role="support",
        tenants=["*"],
        password=PASSWORD,
        reason="for a test",
    )


@pytest.fixture
def sign_in(context: BrowserContext, live_server: Any, transactional_db: None) -> SignIn:
    """Puts the session of somebody of a role into the browser; `sign_in("engineer")`."""

    def as_somebody(role: str, person: User | None = None) -> User:
        person = person or people.create(
            email=f"{role}@example.com",
            name=f"{role.capitalize()} Sato",
            role=role,
            tenants=["*"],
            password=PASSWORD,
            reason="for a test",
        )
        client = Client()
        client.force_login(person)
        key = client.cookies[settings.SESSION_COOKIE_NAME].value
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": key, "url": live_server.url}
        context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict by its shape
        return person

    return as_somebody


@pytest.fixture
def signed_in(sign_in: SignIn, support: User) -> User:
    """Support, with a session in the browser already."""
    return sign_in("support", support)


@pytest.fixture
def configured(transactional_db: None) -> None:
    """The worked example is in force."""
    apply(EXAMPLE.read_bytes(), reason="The first configuration")


@pytest.fixture
def policy(transactional_db: None) -> None:
    """A small configuration, in force."""
    apply(POLICY.read_bytes(), reason="for a test")


@pytest.fixture
def beating(policy: None) -> Iterator[None]:
    """Processes that say how they do: well, on an old revision, nothing any more."""
    newest, now_ms = live.latest(), time.time_ns() // 1_000_000
    assert newest is not None
    lost = Trouble(now_ms - 240_000, "The ledger could not be reached: connection refused")
    with Redis.from_url(os.environ["REDIS_URL"]) as redis:
        say(redis, beat("gateway-1:71:ab", revision=newest))
        say(redis, beat("gateway-2:72:ab", revision=(newest[0] - 1, "c0ffee0123"), pending=4_812))
        say(redis, beat("web-1:9:ab", at_ms=now_ms - 180_000, ledger_open=False, trouble=lost))
        yield
        redis.flushdb()


@pytest.fixture
def gallery(transactional_db: None) -> dict[str, str]:
    """The gallery's requests, made some minutes ago; trace ids by name."""
    now_ms = time.time_ns() // 1_000_000
    traces = {
        name: at(make(), now_ms - minutes * 60_000)
        for minutes, (name, make) in enumerate(GALLERY.items(), start=1)
    }
    keep(*traces.values())
    return {name: trace.trace_id for name, trace in traces.items()}


@pytest.fixture
def spending(configured: None, gallery: dict[str, str]) -> None:
    """The worked example's caps in use: nearly full, full for one tenant, hardly begun."""
    daily = {"cap": "support-chat-free-daily", "time_zone": "Europe/Berlin"}
    window = filled(**daily, settled=22_460_000_000, held=310_000_000)
    Trace.objects.filter(trace_id=gallery["answered"]).update(windows=[window], spent=[233_000])
    for tenant, nano_usd in (("pelican-travel", 1_000_000_000), ("brightloom", 130_000_000)):
        filled("free-tenants-daily", settled=nano_usd, key={"tenant": tenant})
    filled("everything-monthly", period="month", settled=613_060_000_000, held=2_000_000_000)
    refused = Trace.objects.filter(error_code__isnull=False).order_by("trace_id").first()
    assert refused is not None
    message = "Cap free-tenants-daily has no room for this request: $0.00 of $1.00 is left."
    Trace.objects.filter(trace_id=refused.trace_id).update(
        error_code="cap_reached", error_message=message
    )


@pytest.fixture
def look(page, live_server, pytestconfig, scheme, size):
    """Opens a page as it is seen in `scheme` and `size`, and judges it; without a path, the page
    that is open."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(SIZES[size])

    def look(name, path=None):
        if path is not None:
            page.goto(live_server.url + path)
        if pytestconfig.getoption("--screenshots", default=False):
            page.screenshot(path=FOLDER / f"{name}-{scheme}-{size}.png", full_page=True)
        assert violations(page) == [], name
        assert not page.evaluate(SCROLLS_SIDEWAYS), name

    return look


@pytest.fixture
def as_seen(page: Page, size: str, scheme: Literal["light", "dark"]) -> Page:
    """The page as it is seen in `size` and `scheme`."""
    page.emulate_media(color_scheme=scheme)
    width_and_height = SIZES[size]
    page.set_viewport_size(
        {"width": width_and_height["width"], "height": width_and_height["height"]}
    )
    return page
