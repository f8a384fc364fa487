"""Caps' pages: how full they are, for whom that is shown, and the form."""

import time
from datetime import timedelta

import pytest

from apps.dashboards.objects.cap_windows import gauge, state_cell
from apps.dashboards.objects.cap_words import counts, resets
from apps.ledger.models import CapWindow
from apps.policies import editing
from apps.policies.apply import apply
from apps.policies.specs import cap_spec
from apps.traces import under_caps
from tests.apps.dashboards.objects.conftest import hidden, save
from tests.apps.ledger.filled import filled, took
from tests.apps.policies.files import small
from tests.apps.traces.stored import keep, stored
from tests.browser.gallery import asked, at

USD = 1_000_000_000
CAP = {"slug": "daily", "period": "day", "limit_usd": "25.00", "actions": [
    {"at_percent": 80, "do": "warn"}, {"at_percent": 100, "do": "stop"}]}  # fmt: skip


def caps(*facts):
    apply(small(caps=[{**CAP, **one} for one in facts]), reason="other caps")


def text(answer):
    return " ".join(answer.content.decode().split())


def now_ms():
    return time.time_ns() // 1_000_000


# --------------------------------------------------------------------------- how full they are


def test_the_list_says_what_is_settled_and_held_of_which_limit_and_when_it_resets(admin):
    caps({"scope": {"plan": "free"}, "time_zone": "Europe/Berlin"})
    filled("daily", settled=22_460_000_000, held=310_000_000, time_zone="Europe/Berlin")
    page = text(admin.get("/caps"))
    for said in ("Plan free", "$22.46", "of $25.00", "$0.31", "Past 80 %", "00:00 CE"):
        assert said in page, said
    assert 'width="89.84%"' in page
    assert 'aria-label="daily: 91 percent"' in page


@pytest.mark.parametrize(
    ("limit", "taken", "said"),
    [
        ({}, 0, "On track"),
        ({}, 20 * USD - 1, "On track"),
        ({}, 20 * USD, "Past 80 %"),
        ({}, 25 * USD - 25_000_000, "At the limit"),
        ({}, 30 * USD, "At the limit"),
        ({"limit_usd": "0"}, 0, "At the limit"),
        ({"limit_usd": None, "limit_requests": 5000}, 4999, "Past 80 %"),
        ({"limit_usd": None, "limit_requests": 5000}, 5000, "At the limit"),
    ],
)
def test_a_state_goes_by_what_is_left(limit, taken, said):
    assert state_cell(cap_spec({**CAP, **limit}), taken).text == said


def test_a_gauge_never_leaves_its_frame():
    drawn = gauge(cap_spec(CAP), 30 * USD, 10 * USD)
    assert (drawn.settled, drawn.held, drawn.tick) == (100.0, 0.0, 80)


def test_a_cap_per_tenant_shows_the_fullest_window_and_how_many_there_are(admin):
    caps({"per": ["tenant"]})
    filled("daily", settled=USD, key={"tenant": "acme"})
    filled("daily", settled=9 * USD, held=USD, key={"tenant": "globex"})
    page = text(admin.get("/caps"))
    assert "2 open, fullest: tenant globex" in page
    assert "$9.00" in page
    page = text(admin.get("/caps/daily"))
    assert page.index("tenant globex</th>") < page.index("tenant acme</th>")
    assert "2 windows open now; the fullest is tenant globex." in page


def test_a_past_window_has_no_limit_and_counts_for_nothing_now(admin):
    caps({})
    window = filled("daily", settled=24 * USD)
    CapWindow.objects.filter(id=window).update(
        starts_at="2026-01-01T00:00Z", ends_at="2026-01-02T00:00Z"
    )
    page = text(admin.get("/caps/daily"))
    assert "On track" in page
    assert "Past</span>" in page.replace(" <", "<")
    assert "It may have been another then" in page


def days_before(settled):
    """Three whole days before this one, each of which took `settled`."""
    today = CapWindow.objects.get(id=filled("daily"))
    for ago in (1, 2, 3):
        CapWindow.objects.create(
            cap="daily", unit="nano_usd", period="day", key_hash="", key={}, held=0,
            settled=settled, starts_at=today.starts_at - timedelta(days=ago),
            ends_at=today.ends_at - timedelta(days=ago),
        )  # fmt: skip


def test_without_enough_days_there_is_no_forecast_and_it_is_said_why(admin):
    caps({})
    page = text(admin.get("/caps/daily"))
    assert "No forecast yet: it needs 3 days before this one; none so far." in page


def test_a_page_says_where_the_day_will_end_and_when_it_runs_out(admin):
    caps({})
    days_before(settled=0)
    filled("daily", settled=10 * USD)
    page = text(admin.get("/caps/daily"))
    assert "$10.00 expected by the reset: the rest of the day as the 3 days before had it" in page
    assert "which would be $10.00 to $10.00." in page
    assert "runs out" not in page
    CapWindow.objects.filter(settled=0).update(settled=100_000_000 * USD)
    assert "It then runs out at about" in text(admin.get("/caps/daily"))


def test_a_cap_of_each_request_has_no_balance(admin):
    caps({"period": "request", "limit_usd": "0.10"})
    assert "It looks at each request alone" in text(admin.get("/caps"))
    assert "It looks at each request alone" in text(admin.get("/caps/daily"))


def test_tokens_and_requests_are_said_with_their_noun(admin):
    caps({"limit_usd": None, "limit_tokens": 12_000})
    filled("daily", settled=4_000, unit="tokens")
    page = text(admin.get("/caps"))
    assert "4,000" in page
    assert "of 12,000 tokens" in page


def test_what_tenants_spend_together_is_not_shown_to_somebody_of_one(act_as):
    caps({}, {"slug": "each", "per": ["tenant"]}, {"slug": "own", "scope": {"tenant": "acme"}})
    filled("daily", settled=11 * USD)
    filled("each", settled=12_340_000_000, key={"tenant": "globex"})
    filled("each", settled=13 * USD, key={"tenant": "acme"})
    filled("own", settled=14 * USD)
    client = act_as("finance", tenants=["acme"])
    page = text(client.get("/caps"))
    assert "$11.00" not in page
    assert "It counts other tenants, too" in page
    assert "$12.34" not in page
    assert "1 open, fullest: tenant acme" in page
    assert "$14.00" in page
    assert "$12.34" not in text(client.get("/caps/each"))
    assert "$11.00" not in text(client.get("/caps/daily"))


def test_a_whole_list_of_caps_is_looked_up_in_as_many_queries_as_one(
    admin, django_assert_max_num_queries
):
    caps(*({"slug": f"cap-{number}"} for number in range(30)))
    with django_assert_max_num_queries(15):
        admin.get("/caps")


# --------------------------------------------------------------------------- who and whom


def test_a_page_says_who_spends_it(admin):
    caps({"per": ["tenant"]})
    first = filled("daily", settled=3 * USD, key={"tenant": "acme"})
    second = filled("daily", settled=USD, key={"tenant": "globex"})
    for place, (tenant, window, amount) in enumerate(
        [("acme", first, 2 * USD), ("acme", first, USD), ("globex", second, USD)]
    ):
        trace = at(stored(request=asked(tenant=tenant)), now_ms() + place)
        took(trace, **{f"w{window}": amount})
    keep(at(stored(request=asked(tenant="initech")), now_ms() + 9))
    found = admin.get("/caps/daily").context["parts"]
    tenants = {part: rows for part, rows, _ in found}["tenant"]
    assert [(one.name, one.taken, one.share, one.requests) for one in tenants] == [
        ("acme", "$3.00", "75.0 %", 2),
        ("globex", "$1.00", "25.0 %", 1),
    ]


def test_no_more_than_the_newest_requests_are_counted(admin, monkeypatch):
    monkeypatch.setattr(under_caps, "MOST_COUNTED", 1)
    caps({})
    window = filled("daily", settled=3 * USD)
    for place in range(2):
        took(at(stored(request=asked()), now_ms() + place), **{f"w{window}": USD + place})
    spent = admin.get("/caps/daily").context["spent"]
    assert (spent.requests, spent.partial) == (1, True)
    assert spent.parts["tenant"][0].taken == USD + 1


def test_a_page_says_whom_the_cap_refused_and_sent_elsewhere(admin):
    caps({}, {"slug": "daily/chat"})
    refused = {"status": "failed", "error_code": "cap_reached"}
    cheaper = {"status": "degraded", "degraded_reason": "cap_reached", "degraded_action": "cheaper"}
    full = "has no room for this request: $0.00 of $25.00 is left."
    for place, facts in enumerate(
        [
            {**refused, "error_message": f"Cap daily {full}"},
            {**refused, "error_message": f"Cap daily/chat {full}"},
            {
                **cheaper,
                "degraded_message": "Cap daily is nearly used up, so the cheapest answers.",
            },
            {**cheaper, "degraded_message": "Cap daily has no room for the first choice."},
        ]
    ):
        keep(at(stored(request=asked(), **facts), now_ms() - 60_000 + place))
    answer = admin.get("/caps/daily")
    assert answer.context["turned_words"] == ["2 answered by a cheaper model", "1 refused"]
    assert "daily/chat has no room" not in text(answer)
    assert "/traces?cap=daily&amp;from=now-24h" in text(answer)


def test_steps_say_what_happens_and_the_limit_is_always_among_them(admin):
    caps({"actions": [{"at_percent": 90, "do": "shorten", "input_tokens": 4000}]})
    page = text(admin.get("/caps/daily"))
    assert "At 90 %" in page
    assert "until at most 4,000 tokens are sent" in page
    assert "At 100 %" in page
    assert "refused with cap_reached" in page


def test_words_for_what_is_counted_and_when_it_resets():
    scope = {"deployment": ["a", "b", "c"], "feature": "support"}
    assert counts(cap_spec({**CAP, "scope": scope, "per": ["tenant", "user"]})) == (
        "Feature support, deployment a, b or c; each tenant and user for itself"
    )
    assert counts(cap_spec(CAP)) == "Every request"
    assert resets(None, "UTC") == "never"


# --------------------------------------------------------------------------- the form


FORM = {
    "slug": "chat/monthly",
    "limit_tokens": "500000",
    "scope-0-name": "feature",
    "scope-0-value": "support",
    "scope-1-name": "tenant",
    "scope-1-value": "acme, globex",
    "per": "user, metadata.ticket",
    "missing": "skip",
    "period": "month",
    "time_zone": "Europe/Berlin",
    "mode": "closed",
    "actions-0-at_percent": "80",
    "actions-0-do": "limit_output",
    "actions-0-tokens": "300",
    "actions-1-at_percent": "100",
    "actions-1-do": "stop",
}


def test_finance_creates_a_cap_from_its_fields(act_as):
    assert save(act_as("finance"), "/caps/-/new", **FORM).status_code == 303
    assert editing.entry("caps", "chat/monthly").entry == {
        "slug": "chat/monthly",
        "scope": {"feature": "support", "tenant": ["acme", "globex"]},
        "per": ["user", "metadata.ticket"],
        "missing": "skip",
        "period": "month",
        "time_zone": "Europe/Berlin",
        "limit_tokens": 500_000,
        "actions": [
            {"at_percent": 80, "do": "limit_output", "max_output_tokens": 300},
            {"at_percent": 100, "do": "stop"},
        ],
    }


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"limit_usd": "5"}, "__all__", "exactly one of"),
        ({"limit_tokens": ""}, "__all__", "exactly one of"),
        ({"limit_tokens": "", "limit_usd": "a lot"}, "limit_usd", "is no amount"),
        ({"time_zone": "Berlin"}, "time_zone", "there is no time zone Berlin"),
        ({"per": "planet"}, "per", "is none of"),
        ({"scope-0-value": "gone"}, "scope", "there is no feature gone"),
        ({"actions-1-tokens": "5"}, "actions", "stop has no number of tokens"),
        ({"actions-0-tokens": ""}, "actions", "needs it"),
        ({"actions-0-at_percent": "120"}, "actions", "less than or equal to 100"),
    ],
)
def test_a_wrong_value_is_told_at_its_field(act_as, typed, field, said):
    answer = act_as("finance").post("/caps/-/new", {**FORM, **typed})
    assert answer.status_code == 422
    assert said.lower() in " ".join(answer.context["form"].errors[field]).lower()


def test_a_list_of_one_word_stays_a_list(act_as):
    caps({"scope": {"plan": ["free"]}})
    client = act_as("finance")
    typed = {"limit_usd": "20.00", "scope-0-name": "plan", "scope-0-value": "free"}
    typed |= {"missing": "share", "period": "day", "time_zone": "UTC", "mode": "closed"}
    assert save(client, "/caps/-/edit/daily", **typed).status_code == 303
    assert editing.entry("caps", "daily").entry["scope"] == {"plan": ["free"]}


def test_engineers_read_caps_and_change_none(act_as):
    client = act_as("engineer")
    assert "New cap" not in text(client.get("/caps"))
    assert client.get("/caps/-/edit/daily").status_code == 403


def test_a_search_for_its_slug_leads_to_a_cap(admin):
    assert admin.get("/search?q=daily")["Location"] == "/caps/daily"


# --------------------------------------------------------------------------- two people


def asked_for(client, limit_usd):
    typed = {"slug": "daily", "period": "day", "limit_usd": limit_usd, "mode": "closed",
             "missing": "share", "time_zone": "UTC", "actions-0-at_percent": "100",
             "actions-0-do": "stop"}  # fmt: skip
    return save(client, "/caps/-/edit/daily", reason="the campaign", **typed)


def test_a_great_raise_waits_on_the_page_until_somebody_else_confirms_it(client, act_as):
    caps({"actions": [{"at_percent": 100, "do": "stop"}]})
    asked_for(act_as("finance"), "90.00")
    page = text(client.get("/caps/daily"))
    for said in ("waits", "more than 20 percent", "25.00", "90.00", "the campaign"):
        assert said in page, said
    assert "/caps/-/confirm/daily" not in page
    assert client.post("/caps/-/confirm/daily", {"number": 1, "reason": "mine"}).status_code == 403

    act_as("admin")
    assert "A change of the cap daily waits" in text(client.get("/"))
    assert "/caps/-/confirm/daily" in text(client.get("/caps/daily"))
    form = client.get("/caps/-/confirm/daily")
    assert client.post("/caps/-/confirm/daily", {"reason": "x"}).status_code == 422
    number = {"number": hidden(form, "number"), "reason": "agreed"}
    assert client.post("/caps/-/confirm/daily", number).status_code == 303
    assert editing.entry("caps", "daily").entry["limit_usd"] == "90.00"
    assert "waits" not in text(client.get("/caps/daily"))
    assert client.get("/caps/-/confirm/daily").status_code == 404


def test_what_was_asked_for_can_be_withdrawn(client, act_as):
    caps({"actions": [{"at_percent": 100, "do": "stop"}]})
    asked_for(act_as("finance"), "90.00")
    number = {"number": hidden(client.get("/caps/-/withdraw/daily"), "number"), "reason": "no"}
    client.post("/caps/-/withdraw/daily", number)
    assert editing.waiting("caps") == []
    assert editing.entry("caps", "daily").entry["limit_usd"] == "25.00"


def test_a_deletion_waits_too(client, act_as):
    caps({})
    act_as("finance")
    version = hidden(client.get("/caps/-/delete/daily"), "version")
    client.post(
        "/caps/-/delete/daily", {"version": version, "typed": "daily", "reason": "not needed"}
    )
    assert "Its deletion waits" in text(client.get("/caps/daily"))


def test_an_edit_says_what_it_would_have_done_of_late(client, act_as):
    caps({"actions": [{"at_percent": 100, "do": "stop"}]})
    now = now_ms()
    keep(*(at(stored(request=asked(), cost_nano_usd=USD), now - 60_000 - n)
           for n in range(3)))  # fmt: skip
    act_as("finance")
    typed = {"slug": "daily", "period": "total", "limit_usd": "2.00", "mode": "closed",
             "missing": "share", "time_zone": "UTC", "actions-0-at_percent": "100",
             "actions-0-do": "stop", "step": "review"}  # fmt: skip
    page = text(client.post("/caps/-/edit/daily", typed))
    assert "It would have counted 3 requests, which took $3.00." in page
    assert "It would have tripped 1 time, in 1 window." in page
    assert "The last 30 days under it" in page


def test_a_cap_raised_for_a_while_shows_the_limit_of_now_and_until_when(client, act_as):
    raised = {"limit_usd": "50.00", "until": "2099-12-31T00:00:00Z"}
    caps({"raised": raised})
    act_as("finance")
    page = text(client.get("/caps/daily"))
    assert "of $50.00" in page
    assert "$50.00 until Thu 31 Dec, 00:00 UTC" in page
    caps({"raised": {**raised, "until": "2020-01-01T00:00:00Z"}})
    page = text(client.get("/caps/daily"))
    assert "of $25.00" in page
    assert "that is over" in page
