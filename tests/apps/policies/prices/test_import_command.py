"""manage.py import_prices: prints what would change, and proposes it."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.policies import prices
from tests.apps.policies.prices.made import apply_catalog, flash_feed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _catalog(db: None) -> None:
    apply_catalog()


def ran(*arguments: str) -> tuple[str, str, int]:
    """Standard output, standard error, exit status."""
    out, err = StringIO(), StringIO()
    try:
        call_command("import_prices", *arguments, stdout=out, stderr=err)
    except SystemExit as ended:
        return out.getvalue(), err.getvalue(), int(str(ended.code))
    return out.getvalue(), err.getvalue(), 0


def test_the_bundled_prices_are_proposed() -> None:
    out, err, status = ran("--from", "genai-prices")
    assert "~ openai/mini from" in out
    assert "Input: $0.10 → $0.15 (+50 percent)" in out
    assert "chat; no call in the last 30 days" in out
    assert "? cellar/qwen: its provider runs on your own ground" in out
    assert (err.startswith("Proposal "), status) == (True, 0)
    assert [found.source for found in prices.proposals(open_only=True)] == ["command"]


def test_a_dry_run_prints_and_keeps_nothing(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(flash_feed("300").text)
    out, _, status = ran("--from", str(file), "--dry-run")
    assert "! Input: about 1,000 times of what it was; a unit mistaken?" in out
    assert (status, prices.proposals()) == (2, [])


def test_nothing_to_do_is_said(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(flash_feed().text)
    _, err, status = ran("--from", str(file))
    assert ("Nothing to do." in err, status, prices.proposals()) == (True, 0, [])


@pytest.mark.parametrize("content", [None, b"{}", b"\xff"])
def test_what_cannot_be_read_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "prices.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CommandError):
        ran("--from", str(file))
