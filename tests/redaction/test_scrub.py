"""What is taken out of a text, and what stays."""

import pytest

from routerctl.engine.specs import CheckSpec
from routerctl.redaction.scrub import redact, scrub
from tests.engine.builders import revision, route
from tests.redaction.texts import ASSIGNED, ORDINARY, PERSONAL, SECRETS


@pytest.mark.parametrize(("kind", "secret"), SECRETS.items())
def test_a_secret_leaves_its_kind_behind(kind: str, secret: str) -> None:
    assert scrub(f"Here: {secret}\nand thanks.") == f"Here: [{kind}]\nand thanks."


@pytest.mark.parametrize("text", ASSIGNED)
def test_a_random_value_that_is_given_to_a_secret_name_is_taken_out(text: str) -> None:
    assert "[assigned_secret]" in scrub(text)
    assert text[-12:-2] not in scrub(text)


def test_a_bearer_token_and_a_password_in_a_url_are_taken_out() -> None:
    assert scrub("Authorization: Bearer a8f3K2l9Q1z7X4c6V8b0") == (
        "Authorization: Bearer [bearer_token]"
    )
    assert scrub("postgres://app:hunter2@localhost/prod") == (
        "postgres://app:[url_password]@localhost/prod"
    )


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in PERSONAL.items() for text in texts]
)
def test_personal_data_leaves_its_kind_behind(kind: str, text: str) -> None:
    assert f"[{kind}]" in scrub(f"It is {text}, I think.")


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # Luhn
        "9111111111111111",  # no network
        "DE89 3704 0044 0532 0130 01",  # check digits
        "000-12-3456",  # never issued
        "390.533.447-06",
        "RCCMNL83S18D969X",
        "54362315A",
    ],
)
def test_a_wrong_checksum_is_no_personal_data(text: str) -> None:
    assert scrub(text) == text


def test_the_rest_of_a_text_is_untouched_whatever_its_alphabet() -> None:
    assert scrub("Grüße 日本 an ana@example.com 🎉 ок") == "Grüße 日本 an [email] 🎉 ок"


def test_several_of_a_kind_are_all_taken_out() -> None:
    text = "a@b.example c@d.example, 4111 1111 1111 1111 and 5555555555554444"
    assert scrub(text) == "[email] [email], [card] and [card]"


def test_an_unfinished_private_key_is_taken_out_too() -> None:
    assert "MIIE" not in scrub("-----BEGIN PRIVATE KEY-----\\nMIIEowIBAAKCAQEA")


def test_only_what_was_asked_for_is_redacted() -> None:
    revised = revision(route("a"))
    text = "a@b.example, sk-proj-A1b2C3d4E5f6G7h8I9j0"
    assert redact(text, ("personal_data",), revised) == "[email], sk-proj-A1b2C3d4E5f6G7h8I9j0"
    assert redact(text, ("secrets",), revised) == "a@b.example, [openai_key]"
    assert redact(text, (), revised) == text


def test_what_a_check_matches_is_redacted_in_its_name() -> None:
    names = CheckSpec("names", {}, ("Project Heron", "re:case [0-9]+", "personal_data"), "redact")
    revised = revision(route("a"), checks=(names,))
    text = "project HERON, Case 12, a@b.example, sk-proj-A1b2C3d4E5f6G7h8I9j0"
    assert redact(text, ("names",), revised) == (
        "[redacted], [redacted], [email], sk-proj-A1b2C3d4E5f6G7h8I9j0"
    )


def test_overlapping_finds_leave_nothing_of_either() -> None:
    heron = CheckSpec("h", {}, ("heron sea", "sea gull"), "redact")
    revised = revision(route("a"), checks=(heron,))
    assert redact("heron sea gull!", ("h",), revised) == "[redacted]!"


def test_a_lone_surrogate_does_no_harm() -> None:
    assert scrub("a\ud800 a@b.example") == "a? [email]"
