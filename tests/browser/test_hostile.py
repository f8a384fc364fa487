"""Whatever clients, providers, strangers and colleagues write stays text: in pages, files,
headers, metrics and the log."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from urllib.parse import quote

import httpx2
import pytest
from playwright.sync_api import Browser, Dialog, Page

from apps.dashboards.columns import COLUMNS
from tests.browser.attacks import EMAIL, INVITED, PASSWORD, Attacked
from tests.browser.watch import Watch
from tests.corpora import EVERYTHING, FORMULAS, PRINTABLE, SCRIPTS
from tests.flow.books import Books
from tests.hostile_vendor import hostile_vendor
from tests.processes import server_maker

ALIVE = """() => [...document.querySelectorAll('*')].filter(
    element => element.hasAttribute('data-ill')
        || ['IFRAME', 'OBJECT', 'EMBED', 'BASE', 'MARQUEE'].includes(element.tagName)
        || [...element.attributes].some(
            ({name, value}) => name.startsWith('on') || /^\\s*(javascript|data:text)/i.test(value)
                && ['href', 'src', 'action', 'formaction', 'hx-get', 'hx-post'].includes(name)
        )
).map(element => element.outerHTML.slice(0, 200))"""
"""Elements of the page that no page of ours has."""


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    directory = tmp_path_factory.mktemp("attacked")
    with hostile_vendor() as vendor, server_maker(vendor, directory) as make_server:
        server = make_server()
        server.start()
        attacked = Attacked(server)
        attacked.attack()
        Books(server.database_url).nothing_held_after_s(30)
        yield attacked


@pytest.fixture
def seen(browser: Browser, attacked: Attacked) -> Iterator[Page]:
    """A page of the administrator, who sees everything; nothing may happen in it."""
    context = browser.new_context()
    watch = Watch(context, attacked.server.url)
    page = context.new_page()
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.goto(f"{attacked.server.url}/sign-in/")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{attacked.server.url}/")
    yield page
    context.close()
    assert dialogs == []
    watch.expect_nothing()


def trace_ids(attacked: Attacked) -> list[str]:
    """The trace of each script that a client sent, and those of the provider's words."""
    books = Books(attacked.server.database_url)
    sent = books.rows(
        'SELECT trace_id::text FROM ledger_trace WHERE "user" = ANY(%s)', list(SCRIPTS)
    )
    said = books.rows(
        "SELECT DISTINCT trace_id::text FROM ledger_attempt"
        " WHERE error_message LIKE ANY(%s) OR provider_request_id = ANY(%s)"
        " ORDER BY 1 DESC LIMIT 12",
        [f"%{script}%" for script in SCRIPTS[:3]],
        list(SCRIPTS[:3]),
    )
    assert len(sent) == len(SCRIPTS)
    assert len(said) >= 3
    return [row["trace_id"] for row in (*sent, *said)]


def test_no_text_of_a_client_or_provider_runs_on_a_page(seen: Page, attacked: Attacked) -> None:
    columns = "&".join(f"col={name}" for name in COLUMNS)
    typed = quote("".join(SCRIPTS[:4]))
    shown = 0
    for path in (
        *("/", f"/traces?{columns}", f"/traces?user={typed[:120]}&{columns}"),
        *(f"/t/{trace_id}" for trace_id in trace_ids(attacked)),
        *(f"/search?q={typed}", f"/search?q={quote(SCRIPTS[0])}", "/system"),
    ):
        shown += _opened(seen, attacked.server.url + path)
    assert shown > len(SCRIPTS), "the texts are shown, or this proves nothing"


def test_no_text_of_a_colleague_runs_on_a_page(seen: Page, attacked: Attacked) -> None:
    [person] = Books(attacked.server.database_url).rows("SELECT id FROM accounts_user")
    typed = quote(SCRIPTS[1])
    for path in (
        *("/log", "/people", f"/people/{person['id']}", "/account", "/keys"),
        *(f"/keys?q={typed}", "/people/invite"),
    ):
        assert _opened(seen, attacked.server.url + path) or "invite" in path, path
    for path in (f"/log?object={typed}", f"/people?q={typed}", f"/traces?from={typed}"):
        _opened(seen, attacked.server.url + path)
    seen.goto(f"{attacked.server.url}/people")
    assert INVITED in seen.locator("main").inner_text()


def _opened(page: Page, url: str) -> bool:
    """Whether a hostile text is read on the page; fails if one lives there."""
    page.goto(url)
    assert page.evaluate("window.ran") is None, url
    assert page.evaluate(ALIVE) == [], url
    return "window.ran=1" in page.locator("body").inner_text()


def test_no_cell_of_an_exported_file_is_a_formula(seen: Page, attacked: Attacked) -> None:
    cells = []
    for path in ("/traces.csv?from=now-7d", "/log.csv"):
        answer = seen.request.get(attacked.server.url + path)
        assert answer.status == 200
        cells += [cell for row in csv.reader(io.StringIO(answer.text())) for cell in row]
    assert [cell for cell in cells if cell.lstrip()[:1] in ("=", "+", "-", "@", "|", "%")] == []
    for formula in FORMULAS:
        assert cells.count(f"'{formula}") >= 4, formula


def test_no_answer_has_a_header_that_somebody_else_wrote(attacked: Attacked) -> None:
    for answer in attacked.heard:
        assert answer.headers.get("ill") is None
        for name, value in answer.headers.raw:
            assert not {*b"\r\n\0"} & {*value}, name
            assert b"ill:" not in value or name == b"x-request-id"
    for raw in attacked.raw:
        head, _, _ = raw.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 ")
        lines = head.split(b"\r\n")
        assert not [line for line in lines if line.startswith(b"ill")]
        assert not {*range(32), 127} & {*b"".join(lines)}


def test_nothing_that_was_sent_is_a_fault_of_ours(attacked: Attacked) -> None:
    assert [
        (answer.request.method, str(answer.request.url))
        for answer in attacked.heard
        if answer.status_code == 500
    ] == []
    books = Books(attacked.server.database_url)
    assert books.rows("SELECT 1 FROM ledger_trace WHERE error_code = 'internal_error'") == []
    traced = {row["id"] for row in books.rows("SELECT trace_id::text AS id FROM ledger_trace")}
    called = [answer for answer in attacked.heard if answer.status_code in (200, 502)]
    assert len(called) > len(EVERYTHING)
    assert {answer.headers.get("x-trace-id") for answer in called} - {None} <= traced


def test_every_line_of_the_log_is_one_event_of_ours(attacked: Attacked) -> None:
    log = attacked.server.log.read_bytes()[attacked.log_began_at :]
    events = [json.loads(line) for line in log.splitlines()]
    assert len(events) > len(PRINTABLE)
    assert not [event for event in events if event["event"] == "ill"]
    assert not {*range(32), *range(127, 256)} - {10} & {*log}, "one line is one event, in ASCII"


def test_every_line_of_the_metrics_is_one_of_ours(attacked: Attacked) -> None:
    lines = httpx2.get(f"{attacked.server.url}/metrics").text.split("\n")
    assert [line for line in lines if line and not line.startswith(("# ", "routerctl_"))] == []
    for text in PRINTABLE:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        assert any(f'app="{escaped}"' in line for line in lines), text
