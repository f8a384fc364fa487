"""The audit trail: every change is entered once, nobody changes an entry, and who did is found."""

import importlib
import threading
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, ProgrammingError, connection, transaction

from apps.accounts import invitations, keys, people
from apps.accounts.chain import AuditEntry
from apps.accounts.models import ApiKey, User
from apps.accounts.verifying import Head, verify
from apps.policies import editing
from apps.policies.apply import apply
from apps.policies.models import Flag
from tests.apps.policies.files import price, small
from tests.apps.policies.invoices.made import kept, line

BY: Any = {"person": None, "source": "page", "reason": "test"}
AUDITED = [m for m in apps.get_models() if hasattr(m._meta, "simple_history_manager_attribute")]


@pytest.fixture
def trail(db: None) -> None:
    """A configuration, a person, a key, and some edits."""
    apply(small(), reason="test")
    who = person()
    key, _ = keys.create(name="k", tenant="acme", person=who, source="page", reason="test")
    keys.revoke(key, person=who, reason="leaked")
    prices = [price(usd="2.00"), price("2026-01-01")]
    editing.amend("deployments", "vendor/small", {"prices": prices}, **BY)
    editing.remove("caps", "daily", confirmed=True, **BY)
    editing.amend("flags", "new", {"percent": 80}, person=who, source="page", reason="more")


def person() -> User:
    return people.create(
        email="p@example.com", role="admin", tenants=["*"], password="correct horse", reason="test"
    )


def sql(statement: str, *parameters: int | str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def behind_our_back(statement: str, *parameters: int | str) -> None:
    """What a superuser can do who switches the triggers off."""
    sql("SET LOCAL session_replication_role = replica")
    sql(statement, *parameters)
    sql("SET LOCAL session_replication_role = origin")


def broken() -> str:
    return verify().broken or "whole"


# --------------------------------------------------------------------------- what is entered


def test_a_change_is_entered_with_who_from_where_why_and_what(trail: None) -> None:
    entry = AuditEntry.objects.all()[0]
    assert (entry.kind, entry.object, entry.part, entry.what) == (
        "policies.flag",
        "new",
        "",
        "changed",
    )
    assert (entry.person and entry.person.email, entry.source, entry.reason) == (
        "p@example.com",
        "page",
        "more",
    )
    assert entry.history_id == Flag.history.first().history_id
    assert entry.content["percent"] == 80
    assert entry.previous == AuditEntry.objects.all()[1].digest


def test_people_and_keys_are_entered_by_what_they_are_known_by_and_without_secrets(
    trail: None,
) -> None:
    user, key = User.objects.get(), ApiKey.objects.get()
    entered = AuditEntry.objects.filter(kind__startswith="accounts.").order_by("id")
    assert list(entered.values_list("kind", "object", "what")) == [
        ("accounts.user", "p@example.com", "created"),
        ("accounts.apikey", key.prefix, "created"),
        ("accounts.apikey", key.prefix, "changed"),
    ]
    text = str(list(entered.values_list("content", flat=True)))
    assert bytes(key.digest).hex() not in text
    assert user.password not in text
    assert not {"password", "digest"} & set().union(*(e.content for e in entered))


def test_a_price_is_entered_under_its_deployment_and_day(trail: None) -> None:
    entered = AuditEntry.objects.filter(kind="catalog.price", object="vendor/small").order_by("id")
    assert list(entered.values_list("part", flat=True)) == [
        "2025-01-01",
        "2025-01-01",
        "2026-01-01",
    ]


def test_what_is_rolled_back_was_never_entered(trail: None) -> None:
    before = AuditEntry.objects.count()
    with transaction.atomic():
        editing.amend("flags", "new", {"percent": 1}, **BY)
        transaction.set_rollback(True)
    assert AuditEntry.objects.count() == before
    editing.amend("flags", "new", {"percent": 2}, **BY)
    assert broken() == "whole"


@pytest.mark.django_db(transaction=True)
def test_changes_made_at_once_follow_one_another() -> None:
    def make(number: int) -> None:
        for turn in range(5):
            keys.create(name=f"{number}-{turn}", tenant="acme", reason="test")
        connection.close()

    threads = [threading.Thread(target=make, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert AuditEntry.objects.count() == 20
    found = verify()
    assert (found.broken, found.entries) == (None, 20)


# --------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_auditentry SET reason = 'another'",
        "DELETE FROM accounts_auditentry",
        "TRUNCATE accounts_auditentry",
    ],
)
def test_the_database_refuses_to_change_delete_or_empty_entries(
    trail: None, statement: str
) -> None:
    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        sql(statement)


@pytest.mark.parametrize("statement", ["UPDATE {} SET source = source", "DELETE FROM {}"])
@pytest.mark.parametrize("model", AUDITED, ids=lambda model: model.__name__)
def test_the_database_refuses_to_change_or_delete_any_history(
    trail: None, model: Any, statement: str
) -> None:
    who = User.objects.get()
    invitations.invite(email="i@example.com", role="support", tenants=[], by=who, reason="test")
    kept(line())
    history = model.history.model
    assert history.objects.exists()
    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        sql(statement.format(history._meta.db_table))


@pytest.mark.parametrize("act", ["UPDATE {} SET reason = ''", "DELETE FROM {}", "TRUNCATE {}"])
def test_an_ordinary_owner_of_the_table_has_not_even_the_privilege(trail: None, act: str) -> None:
    sql("CREATE ROLE plain")
    sql("GRANT ALL ON SCHEMA public TO plain")
    sql("ALTER TABLE accounts_auditentry OWNER TO plain")
    sql("SET LOCAL ROLE plain")
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        sql(act.format("accounts_auditentry"))


# --------------------------------------------------------------------------- what is found


def test_an_untouched_trail_is_whole_and_tells_its_head(trail: None) -> None:
    newest = AuditEntry.objects.all()[0]
    found = verify()
    assert found.broken is None
    assert found.entries == AuditEntry.objects.count()
    assert found.head == Head(newest.pk, newest.digest)


def test_an_empty_trail_is_whole(db: None) -> None:
    assert verify().broken is None


FORGERIES: dict[str, tuple[str, str]] = {
    "an entry says another reason": (
        "UPDATE accounts_auditentry SET reason = 'x' WHERE object = 'all'",
        "policies.route all created was changed",
    ),
    "an entry says another person": (
        "UPDATE accounts_auditentry SET person_id = NULL WHERE reason = 'more'",
        "policies.flag new changed was changed",
    ),
    "an entry in between is gone": (
        "DELETE FROM accounts_auditentry WHERE object = 'dpa'",
        "something between is missing",
    ),
    "the first entry is gone": (
        "DELETE FROM accounts_auditentry WHERE previous = ''",
        "something between is missing",
    ),
    "the last entry is gone": (
        "DELETE FROM accounts_auditentry WHERE reason = 'more'",
        "of policies.flag has no entry",
    ),
    "a history row says another thing": (
        "UPDATE policies_historicalflag SET percent = 1 WHERE history_type = '~'",
        "policies.flag new changed: its history row",
    ),
    "a history row says another moment": (
        "UPDATE policies_historicalflag SET history_date = now() WHERE history_type = '~'",
        "names another person, moment, source or reason",
    ),
    "a history row is gone": (
        "DELETE FROM policies_historicalcap WHERE history_type = '-'",
        "is gone",
    ),
    "a history row was slipped in": (
        """INSERT INTO policies_historicaltask (id, slug, position, source, history_date,
        history_type, history_change_reason) VALUES (99, 'x', 9, 'page', now(), '+', 'x')""",
        "of policies.task has no entry",
    ),
    "a thing was changed past us": (
        "UPDATE policies_route SET enabled = false",
        "policies.route all is not as",
    ),
    "a thing was made past us": (
        "INSERT INTO policies_task (slug, position) VALUES ('x', 9)",
        "policies.task x is there, and no entry says so",
    ),
    "a thing was deleted past us": (
        "DELETE FROM policies_gate",
        "policies.gate dpa is gone, and no entry says so",
    ),
    "a revoked key lives again": (
        "UPDATE accounts_apikey SET revoked_at = NULL",
        "accounts.apikey k (",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_was_done_behind_our_back_is_found(trail: None, forgery: str) -> None:
    statement, told = FORGERIES[forgery]
    behind_our_back(statement)
    assert told in broken()


def test_the_first_broken_link_is_the_one_that_is_told(trail: None) -> None:
    second, fifth = AuditEntry.objects.order_by("id")[1:6:4]
    for entry in (fifth, second):
        behind_our_back("UPDATE accounts_auditentry SET source = 'x' WHERE id = %s", entry.pk)
    assert broken().startswith(f"audit entry {second.pk}:")


def test_a_last_change_taken_back_with_all_its_traces_is_found_by_a_noted_head_alone(
    trail: None,
) -> None:
    noted = verify().head
    behind_our_back("DELETE FROM accounts_auditentry WHERE reason = 'more'")
    behind_our_back("DELETE FROM policies_historicalflag WHERE history_type = '~'")
    assert "policies.flag new is not as" in broken()
    behind_our_back("UPDATE policies_flag SET percent = 50")
    assert broken() == "whole"
    assert "noted with digest" in (verify(noted).broken or "")


def test_a_noted_head_still_holds_after_further_changes(trail: None) -> None:
    noted = verify().head
    editing.amend("flags", "new", {"percent": 2}, **BY)
    assert verify(noted).broken is None


# --------------------------------------------------------------------------- the command


def test_the_command_prints_the_head(trail: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_audit")
    said = capsys.readouterr()
    head = said.out.strip()
    assert head == str(verify().head)
    assert "each as it was written" in said.err
    call_command("verify_audit", "--noted", head)


def test_the_command_fails_with_the_first_broken_link(trail: None) -> None:
    behind_our_back("UPDATE policies_route SET enabled = false")
    with pytest.raises(CommandError, match=r"policies\.route all is not as") as refused:
        call_command("verify_audit")
    assert refused.value.returncode == 1


@pytest.mark.parametrize("text", ["", "1", "x:y", "1:"])
def test_what_is_no_head_is_refused(db: None, text: str) -> None:
    with pytest.raises(CommandError, match="NUMBER:DIGEST"):
        call_command("verify_audit", "--noted", text)


# --------------------------------------------------------------------------- older installations


def test_a_history_older_than_the_trail_is_entered_when_it_begins(trail: None) -> None:
    # Such an installation had no rate limits yet.
    for table in ("policies_ratelimit", "policies_historicalratelimit"):
        behind_our_back(f"DELETE FROM {table}")
    older = AuditEntry.objects.exclude(kind="policies.ratelimit").order_by("id")
    entered = list(older.values_list("kind", "object", "part", "what"))
    behind_our_back("DELETE FROM accounts_auditentry")
    migration = importlib.import_module("apps.accounts.migrations.0004_audit_trail")
    migration.enter_what_is_there(apps, None)
    now = AuditEntry.objects.order_by("id").values_list("kind", "object", "part", "what")
    assert sorted(now) == sorted(entered)
    assert broken() == "whole"
