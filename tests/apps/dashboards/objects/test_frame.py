"""What the frame does for every kind of object, shown on features and providers."""

import re

import pytest

from apps.policies import editing
from apps.policies.apply import apply
from tests.apps.dashboards.objects.conftest import hidden, save
from tests.apps.policies.files import deployment, small

VENDOR = {
    "adapter": "openai",
    "base_url": "https://vendor.example/v1",
    "attributes-0-name": "dpa_signed",
    "attributes-0-value": "true",
}


def text(answer):
    return answer.content.decode()


def feature(slug="support"):
    return editing.entry("features", slug).entry


# --------------------------------------------------------------------------- lists


def test_a_list_shows_all_objects_in_their_order_with_what_is_told_of_them(admin):
    apply(
        small(features=[{"slug": "support", "owner": "a@b.example"}, {"slug": "answers"}]),
        reason="more",
    )
    page = text(admin.get("/features"))
    assert page.index(">support<") < page.index(">answers<")
    assert "a@b.example" in page
    assert "Nobody is named" in page
    assert "2 features" in page


def test_filters_of_a_list_live_in_its_address(admin):
    page = text(admin.get("/providers?adapter=openai&q=VEND"))
    assert ">vendor<" in page
    assert "Remove filter: adapter is openai" in page
    page = text(admin.get("/providers?adapter=gemini"))
    assert "Nothing matches" in page
    assert ">vendor<" not in page


def test_an_empty_list_says_what_to_do_to_those_who_may(act_as):
    apply(small(features=[]), reason="none")
    assert "New feature" in text(act_as("product", email="p@example.com").get("/features"))
    page = text(act_as("support").get("/features"))
    assert "No features yet" in page
    assert "New feature" not in page


# --------------------------------------------------------------------------- one object


def test_an_object_tells_its_facts_who_saved_it_and_what_uses_it(admin):
    page = text(admin.get("/providers/vendor"))
    for said in ("https://vendor.example/v1", "dpa signed", "for a test", "a configuration file"):
        assert said in page
    assert "deployment" in page
    assert "vendor/small" in page


def test_an_object_that_is_not_there_is_a_404(admin):
    for path in ("/features/nothing", "/features/-/edit/nothing", "/features/-/delete/nothing"):
        assert admin.get(path).status_code == 404
    assert admin.get("/features/nothing?tab=history").status_code == 404


def test_an_object_is_shown_as_the_file_writes_it(admin):
    page = text(admin.get("/providers/vendor?tab=yaml"))
    assert "slug: vendor" in page
    assert "secret: env:VENDOR_KEY" in page


def test_who_may_not_edit_is_offered_no_edit(act_as):
    page = text(act_as("support").get("/providers/vendor"))
    assert "/-/edit/" not in page
    assert "/-/delete/" not in page


# --------------------------------------------------------------------------- create and edit


def test_an_object_is_created_with_a_reason_and_stands_in_its_history(admin):
    answer = save(admin, "/features/-/new", slug="search", owner="find@example.com", reason="new")
    assert answer.status_code == 303
    assert answer["Location"] == "/features/search"
    assert feature("search") == {"slug": "search", "owner": "find@example.com"}
    page = text(admin.get("/features/search?tab=history"))
    for said in ("Admin", "created it", "new", "find@example.com"):
        assert said in page


def test_a_review_shows_the_difference_and_saves_nothing(admin):
    answer = admin.post("/features/-/edit/support", {"owner": "x@y.example", "step": "review"})
    assert answer.status_code == 200
    assert "x@y.example" in text(answer).split('id="difference"')[1]
    assert feature() == {"slug": "support"}


def test_a_review_by_htmx_is_the_difference_alone(admin):
    answer = admin.post(
        "/features/-/edit/support",
        {"owner": "x@y.example", "step": "review"},
        headers={"HX-Request": "true"},
    )
    assert text(answer).strip().startswith('<div id="difference"')
    assert "x@y.example" in text(answer)


def test_nothing_is_saved_whose_difference_was_not_looked_at(admin):
    typed = {"owner": "x@y.example", "reason": "because"}
    answer = admin.post("/features/-/edit/support", typed)
    assert answer.status_code == 422
    assert "Not saved yet" in text(answer)
    marks = {name: hidden(answer, name) for name in ("version", "reviewed")}
    other = admin.post("/features/-/edit/support", {**typed, **marks, "owner": "z@y.example"})
    assert other.status_code == 422
    assert feature() == {"slug": "support"}
    assert admin.post("/features/-/edit/support", {**typed, **marks}).status_code == 303
    assert feature()["owner"] == "x@y.example"


def test_a_save_without_a_reason_is_refused_and_keeps_what_was_typed(admin):
    answer = save(admin, "/features/-/edit/support", owner="x@y.example", reason=" ")
    assert answer.status_code == 422
    assert "Give a reason" in text(answer)
    assert "x@y.example" in text(answer)
    assert feature() == {"slug": "support"}


def test_what_the_rules_refuse_is_told_beside_its_field(admin):
    answer = admin.post("/features/-/edit/support", {"quality_floor": "1.5"})
    assert answer.status_code == 422
    assert 'id="id_quality_floor_error"' in text(answer)
    assert "1.5 is more than 1" in text(answer)


def test_a_field_left_empty_is_taken_out_of_the_entry(admin):
    save(admin, "/features/-/edit/support", owner="x@y.example", quality_floor="0.70")
    save(admin, "/features/-/edit/support", owner="", quality_floor="0.70")
    assert feature() == {"slug": "support", "quality_floor": "0.70"}


def test_what_the_form_has_no_field_for_stays_as_it_is(admin):
    answer = save(
        admin,
        "/providers/-/edit/vendor",
        **VENDOR,
        **{"attributes-1-name": "region"},
        **{"attributes-1-value": "eu"},
    )
    assert answer.status_code == 303
    assert editing.entry("providers", "vendor").entry["secret"] == "env:VENDOR_KEY"


def test_a_slug_cannot_be_changed_by_a_form(admin):
    save(admin, "/features/-/edit/support", slug="other", owner="x@y.example")
    assert feature()["owner"] == "x@y.example"
    assert [held.slug for held in editing.entries("features")] == ["support"]


# --------------------------------------------------------------------------- rows


def test_a_row_is_added_without_script_and_nothing_typed_is_lost(admin):
    answer = admin.post(
        "/providers/-/edit/vendor", {**VENDOR, "base_url": "half typed", "add": "attributes"}
    )
    assert answer.status_code == 200
    assert 'name="attributes-1-name"' in text(answer)
    assert 'value="half typed"' in text(answer)
    assert 'value="dpa_signed"' in text(answer)


def test_a_row_emptied_is_a_row_removed_and_numbers_may_have_gaps(admin):
    save(
        admin,
        "/providers/-/edit/vendor",
        **{**VENDOR, "attributes-0-name": "", "attributes-0-value": ""},
        **{"attributes-7-name": "region", "attributes-7-value": "eu"},
    )
    assert editing.entry("providers", "vendor").entry["attributes"] == {"region": "eu"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"attributes-1-name": "dpa_signed", "attributes-1-value": "x"}, "stands here twice"),
        ({"attributes-1-name": "region"}, "Row 2, value"),
        ({"attributes-1-name": "Ö", "attributes-1-value": "x"}, "a-z, 0-9 and _"),
    ],
)
def test_a_wrong_row_is_told_of(admin, rows, said):
    answer = admin.post("/providers/-/edit/vendor", {**VENDOR, **rows})
    assert answer.status_code == 422
    assert said in text(answer)


def test_rows_have_an_end(admin):
    rows = {f"attributes-{n}-name": f"a{n}" for n in range(300)}
    answer = admin.post("/providers/-/edit/vendor", {**VENDOR, **rows})
    assert answer.status_code == 422
    assert "room for 200" in text(answer)


# --------------------------------------------------------------------------- conflicts


def _changed_meanwhile(**fields):
    editing.amend("features", "support", fields, person=None, source="command", reason="quicker")


def test_who_comes_too_late_sees_both_and_loses_nothing(admin):
    version = editing.entry("features", "support").version
    _changed_meanwhile(owner="them@example.com")
    answer = save(
        admin, "/features/-/edit/support", owner="me@example.com", reason="mine", version=version
    )
    assert answer.status_code == 409
    for said in ("them@example.com", "me@example.com", "quicker", 'value="mine"'):
        assert said in text(answer)
    assert feature()["owner"] == "them@example.com"


def test_ones_own_can_be_saved_over_theirs_after_looking_at_it(admin):
    version = editing.entry("features", "support").version
    _changed_meanwhile(owner="them@example.com")
    typed = {"owner": "me@example.com", "reason": "mine"}
    answer = save(admin, "/features/-/edit/support", version=version, **typed)
    now = hidden(answer, "version")
    again = admin.post("/features/-/edit/support", {**typed, "version": now, "step": "again"})
    assert again.status_code == 200
    assert 'value="me@example.com"' in text(again)
    over = {**typed, "version": now, "step": "over"}
    assert admin.post("/features/-/edit/support", over).status_code == 303
    assert feature()["owner"] == "me@example.com"


def test_what_was_deleted_meanwhile_can_be_created_anew_as_typed(admin):
    version = editing.entry("features", "support").version
    apply(small(features=[]), reason="gone")
    answer = admin.post(
        "/features/-/edit/support", {"owner": "me@example.com", "version": version, "reason": "x"}
    )
    assert answer.status_code == 409
    assert 'action="/features/-/new"' in text(answer)
    assert 'name="slug" value="support"' in text(answer)
    assert "me@example.com" in text(answer)


# --------------------------------------------------------------------------- delete


def test_what_others_refer_to_is_not_deleted_and_says_by_whom(admin):
    for answer in (
        admin.get("/providers/-/delete/vendor"),
        admin.post("/providers/-/delete/vendor", {"reason": "away", "typed": "vendor"}),
    ):
        assert "Not while others refer to it" in text(answer)
        assert "vendor/small" in text(answer)
    assert answer.status_code == 422
    assert editing.entry("providers", "vendor")


def test_an_object_is_deleted_with_a_reason_and_its_history_stays(admin):
    version = hidden(admin.get("/features/-/delete/support"), "version")
    path = "/features/-/delete/support"
    assert admin.post(path, {"version": version, "reason": ""}).status_code == 422
    assert admin.post(path, {"version": version, "reason": "no use"})["Location"] == "/features"
    assert admin.get("/features/support").status_code == 404
    page = text(admin.get("/features/support?tab=history"))
    for said in ("Deleted", "deleted it", "no use"):
        assert said in page


def test_what_is_dangerous_to_delete_has_its_name_typed(admin):
    apply(
        small(
            deployments=[deployment(provider="vendor")],
            providers=[
                {"slug": "vendor", "adapter": "openai", "base_url": "https://vendor.example"},
                {"slug": "spare", "adapter": "openai", "base_url": "https://spare.example"},
            ],
        ),
        reason="a spare one",
    )
    version = hidden(admin.get("/providers/-/delete/spare"), "version")
    path, typed = "/providers/-/delete/spare", {"version": version, "reason": "away"}
    assert admin.post(path, {**typed, "typed": "vendor"}).status_code == 422
    assert admin.post(path, {**typed, "typed": "spare"}).status_code == 303


def test_what_was_changed_since_one_looked_is_not_deleted(admin):
    version = hidden(admin.get("/features/-/delete/support"), "version")
    _changed_meanwhile(owner="them@example.com")
    answer = admin.post("/features/-/delete/support", {"version": version, "reason": "away"})
    assert answer.status_code == 409
    assert "Delete it all the same" in text(answer)
    assert feature()


# --------------------------------------------------------------------------- history


def test_a_history_comes_in_parts_and_says_which_revision_each_change_made(admin):
    for number in range(60):
        _changed_meanwhile(owner=f"o{number}@example.com")
    page = text(admin.get("/features/support?tab=history"))
    assert "o59@example.com" in page
    assert "o5@example.com" not in page
    assert page.count('title="Revision ') == 50
    (cursor,) = re.findall(r"cursor=(\d+)", page)
    older = text(admin.get(f"/features/support?tab=history&cursor={cursor}"))
    assert "o9@example.com" in older
    assert "o10@example.com" not in older


def test_what_was_typed_is_text_on_every_page(admin):
    hostile = "<script>alert(1)</script>"
    save(admin, "/features/-/edit/support", owner=hostile, reason=hostile)
    for path in (
        "/features",
        "/features/support",
        "/features/support?tab=history",
        "/features/support?tab=yaml",
        "/features/-/edit/support",
    ):
        page = text(admin.get(path))
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
