"""A provider's secret on its pages: given, replaced, forgotten, told of and never told."""

import pytest

from apps.catalog.models import Provider
from apps.policies.apply import apply
from tests.apps.dashboards.objects.conftest import save
from tests.apps.policies.files import small

SECRET = "sk-canary-7f3a9c0d5e1b24680aceXYZW"
PAGE = "/providers/-/secret/vendor"
EVERY_PAGE = (
    "/providers",
    "/providers/vendor",
    "/providers/vendor?tab=history",
    "/providers/vendor?tab=yaml",
    "/providers/-/edit/vendor",
    PAGE,
)


def text(answer):
    return answer.content.decode()


def test_a_secret_is_kept_encrypted_and_shown_by_its_end_alone(admin):
    answer = admin.post(PAGE, {"secret": SECRET, "reason": "rotated"})
    assert answer["Location"] == "/providers/vendor"
    page = text(admin.get("/providers/vendor"))
    for said in ("Stored, ends in …XYZW", "https://vendor.example:443", "has its secret"):
        assert said in page
    for path in EVERY_PAGE:
        assert SECRET not in text(admin.get(path)), path
        assert SECRET[:12] not in text(admin.get(path)), path


def test_a_refused_secret_is_not_repeated(admin):
    for typed in ({"secret": SECRET, "reason": ""}, {"secret": f"{SECRET}\u00e4", "reason": "x"}):
        answer = admin.post(PAGE, typed)
        assert answer.status_code == 422
        assert SECRET not in text(answer)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Give the secret"),
        ({"secret": SECRET, "forget": "on"}, "Give the secret"),
        ({"secret": "env:ROUTERCTL_SECRET_KEY"}, "our own settings"),
        ({"secret": "env:two words"}, "write env:NAME"),
        ({"secret": "one\rtwo"}, "plain characters in one line"),
    ],
)
def test_what_is_no_secret_is_told(admin, typed, said):
    answer = admin.post(PAGE, {**typed, "reason": "x"})
    assert answer.status_code == 422
    assert said in text(answer)
    assert Provider.objects.get().secret_reference == "env:VENDOR_KEY"


def test_a_secret_is_forgotten_with_a_reason(admin):
    assert admin.post(PAGE, {"forget": "on", "reason": "local now"}).status_code == 303
    assert "None: calls go out without one" in text(admin.get("/providers/vendor"))


def test_a_reference_that_leads_nowhere_is_not_usable_and_says_why(admin, monkeypatch):
    page = text(admin.get("/providers/vendor"))
    assert "VENDOR_KEY is not set in the environment" in page
    monkeypatch.setenv("VENDOR_KEY", SECRET)
    page = text(admin.get("/providers/vendor"))
    assert "is not set" not in page
    assert SECRET not in page


def test_moving_to_another_origin_says_beforehand_that_the_secret_is_forgotten(admin):
    admin.post(PAGE, {"secret": SECRET, "reason": "given"})
    moved = {"adapter": "openai", "base_url": "https://elsewhere.example/v1"}
    looked = admin.post("/providers/-/edit/vendor", {**moved, "step": "review"})
    assert "The secret was given for https://vendor.example:443; it is forgotten." in text(looked)
    assert Provider.objects.get().secret_ciphertext is not None
    assert save(admin, "/providers/-/edit/vendor", **moved).status_code == 303
    assert Provider.objects.get().secret_ciphertext is None


def test_who_may_not_edit_providers_gives_no_secret(act_as):
    client = act_as("finance")
    assert client.get(PAGE).status_code == 403
    assert "/-/secret/" not in text(client.get("/providers/vendor"))


def test_a_provider_lists_its_deployments_with_price_and_health(admin, act_as):
    page = text(admin.get("/providers/vendor"))
    for said in ("vendor/small", "small-1 · eu", "$1.00 / $4.00", "Not called yet"):
        assert said in page
    assert "$1.00" not in text(act_as("support").get("/providers/vendor"))


def test_a_provider_without_deployments_says_what_to_do(admin):
    apply(small(deployments=[], routes=[]), reason="none left")
    assert "Add a deployment" in text(admin.get("/providers/vendor"))
