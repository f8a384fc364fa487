"""A catalog of prices worth looking at, with proposals in every state."""

from datetime import UTC, datetime, timedelta

from apps.policies import editing, prices
from tests.apps.policies.files import price
from tests.apps.policies.invoices.made import NOON, called, kept, line
from tests.apps.policies.prices.made import (
    BY,
    FLASH,
    FLASH_PRICE,
    MINI,
    PRO,
    apply_catalog,
    flash_feed,
    proposed,
)
from tests.apps.traces.stored import attempt, keep, stored, trace_id_at

NOW = datetime.now(UTC)


def price_addresses() -> dict[str, str]:
    """Makes the catalog; the paths of its pages by the names of their pictures."""
    apply_catalog()
    for n, slug in enumerate((FLASH, MINI, PRO)):
        used = attempt(
            deployment=slug,
            usage_source="provider",
            input_tokens=48_000_000,
            cached_input_tokens=9_000_000,
            output_tokens=6_100_000,
        )
        at_ms = int((NOW - timedelta(days=2)).timestamp() * 1000)
        keep(stored(used, trace_id=trace_id_at(at_ms, n)))
    coming = price((NOW + timedelta(days=12)).date().isoformat(), "0.35", **_FLASH)
    listed = [FLASH_PRICE, coming]
    editing.amend("deployments", FLASH, {"prices": listed}, reason="Announced for December", **BY)
    odd = proposed(flash_feed("300", cache_read_input_token_cost="0.31"))
    told = proposed(flash_feed("300000"))
    prices.reject(told.id, person=None, reason="A unit was mistaken")
    waiting = proposed(prices.Feed("genai-prices"))
    hand = _by_hand()
    return {
        "prices": "/prices",
        "prices-proposals": "/prices?tab=proposals",
        "price": f"/prices/{FLASH}",
        "price-none-yet": f"/prices/{PRO}",
        "price-propose": f"/prices/-/propose?deployment={FLASH}",
        "price-import": "/prices/-/import",
        "price-proposal": f"/prices/-/proposals/{waiting.id}",
        "price-proposal-odd": f"/prices/-/proposals/{odd.id}",
        "price-proposal-rejected": f"/prices/-/proposals/{told.id}",
        "price-proposal-approved": f"/prices/-/proposals/{hand}",
        **_invoice_addresses(),
    }


def _invoice_addresses() -> dict[str, str]:
    """An invoice that agrees, differs, and says what nobody recorded."""
    for n in range(2):
        called(
            NOON, n, input_tokens=4_000_000, cached_input_tokens=1_000_000, output_tokens=500_000
        )
    made = kept(
        line("input", "6000000", "1.80"),
        line("output", "500000", "1.25"),
        line("requests", "12", "0.05", model="gemini-2.5-flash-live"),
        name="google-march.csv",
    )
    return {
        "invoices": "/invoices",
        "invoice": f"/invoices/{made.pk}",
        "invoice-new": "/invoices/new",
    }


_FLASH = {"output_usd_per_mtok": "2.50", "cached_input_usd_per_mtok": "0.03"}


def _by_hand() -> int:
    """An override of a week, approved."""
    after = price(NOW.date().isoformat(), "0.25", **_FLASH)
    made = prices.propose(FLASH, after, (NOW + timedelta(days=7)).date(), **BY)
    prices.approve(made.pk, [0], reason="A credit from Google, for a week", **BY)
    return int(made.pk)
