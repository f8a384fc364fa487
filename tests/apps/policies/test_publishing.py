"""Revisions: made only when something changed, one at a time, and heard of on commit."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from apps.accounts import audit
from apps.policies import live
from apps.policies.apply import apply
from apps.policies.compile import join, split
from apps.policies.models import Flag, Revision, Route, Section
from apps.policies.publishing import change, publish
from routerctl.engine.revision import content_hash
from tests.apps.policies.files import EXAMPLE, Apply, deployment, in_force, price, small


def hash_of(file: bytes) -> str:
    return apply(file, reason="test")[1]


@pytest.mark.django_db
def test_equal_content_has_an_equal_hash_however_it_came_about() -> None:
    first = hash_of(EXAMPLE.read_bytes())
    hash_of(b"version: 1\n")
    assert hash_of(EXAMPLE.read_bytes()) == first


@pytest.mark.django_db
def test_every_part_of_the_configuration_is_in_the_hash() -> None:
    hashes = {
        hash_of(small()),
        hash_of(small(tasks=["chat"])),
        hash_of(small(flags=[])),
        hash_of(small(caps=[])),
        hash_of(small(gates=[])),
        hash_of(small(checks=[])),
        hash_of(small(prompts=[])),
        hash_of(small(plans=[])),
        hash_of(small(features=[])),
        hash_of(small(routes=[])),
        hash_of(small(deployments=[deployment(prices=[price(usd="2")])])),
        hash_of(small(deployments=[deployment(enabled=False)])),
    }
    assert len(hashes) == 12


@pytest.mark.django_db
def test_an_invented_past_has_its_own_dates_and_the_present_goes_on(applied: Apply) -> None:
    at = datetime(2026, 2, 3, 14, 19, tzinfo=UTC)
    with audit.dated(at):
        applied(small(flags=[{"slug": "new", "enabled": True}]))
    applied(small(flags=[{"slug": "new", "enabled": False}]))

    now, then = Flag.history.values_list("history_date", flat=True)
    revised = Revision.objects.values_list("created_at", flat=True)
    assert (then, revised[1]) == (at, at)
    assert min(now, revised[0]) > at + timedelta(days=1)


@pytest.mark.django_db
def test_a_secret_is_in_no_hash() -> None:
    assert hash_of(small()) == hash_of(small().replace(b"env:VENDOR_KEY", b"env:OTHER_KEY"))


@pytest.mark.django_db
def test_a_revision_keeps_the_document_as_it_was_compiled() -> None:
    _, published = apply(EXAMPLE.read_bytes(), reason="test")
    loaded = live.load_document()
    assert loaded is not None
    assert loaded[:2] == live.latest()
    document = loaded[2]
    assert loaded[1] == published == content_hash(document)
    assert join(split(document)) == document
    assert document.routes[1].limits.max_output_tokens == 400
    assert document.routes[0].when["text_matches"] == (
        "charged twice",
        "refund",
        "re:double[- ]charge",
    )
    assert document.deployments[0].prices[0].cached_input_nano_usd_per_mtok == 75_000_000
    assert document.deployments[0].overhead.per_message > 0
    assert [provider.local for provider in document.providers] == [False, False, True]


@pytest.mark.django_db
def test_an_edit_of_one_part_stores_one_section(applied: Apply) -> None:
    applied()
    stored = Section.objects.count()
    applied(small(flags=[{"slug": "new", "enabled": False}]))
    assert Section.objects.count() == stored + 1
    first, second = Revision.objects.order_by("id")
    assert first.flags_id != second.flags_id
    assert first.policy_id == second.policy_id


@pytest.mark.django_db
def test_an_old_revision_can_be_read_by_its_hash(applied: Apply) -> None:
    old = hash_of(small())
    applied(small(routes=[]))
    then = live.load_document(old)
    assert then is not None
    assert then[2].routes[0].slug == "all"
    assert in_force().routes == ()
    assert live.load_document("0" * 64) is None


@pytest.mark.django_db
def test_before_the_first_revision_there_is_none() -> None:
    assert live.latest() is None
    assert live.load_document() is None


@pytest.mark.django_db
def test_reading_takes_one_query(
    applied: Apply, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    applied(EXAMPLE.read_bytes())
    with django_assert_num_queries(1):
        live.load_document()
    with django_assert_num_queries(1):
        live.latest()
    with django_assert_num_queries(1):
        live.load_secrets()
    with django_assert_num_queries(1):
        live.secrets_version()


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Revision, Section, Route.history.model])
def test_the_database_refuses_to_change_or_delete_what_is_kept_for_ever(
    model: Any, applied: Apply
) -> None:
    applied()
    column = model._meta.concrete_fields[1].attname
    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        model.objects.update(**{column: getattr(model.objects.first(), column)})
    with pytest.raises(IntegrityError, match="never changed or deleted"), transaction.atomic():
        model.objects.all()._raw_delete("default")


@pytest.mark.django_db
def test_an_exception_in_a_change_undoes_it_all(applied: Apply) -> None:
    applied()
    flag = Flag.objects.get()
    flag.percent = 99

    def fail_after_saving() -> None:
        with change(person=None, source="page", reason="test") as changing:
            changing.save(flag)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_saving()
    assert Flag.objects.get().percent == 50
    assert Flag.history.count() == 1


# --------------------------------------------------------------------------- several at once


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_wait_for_each_other_and_neither_is_lost() -> None:
    apply(small(), reason="test")
    inside, finish = threading.Event(), threading.Event()
    order: list[str] = []

    def first() -> None:
        with change(person=None, source="page", reason="first") as changing:
            inside.set()
            finish.wait(10)
            flag = Flag.objects.get()
            flag.percent = 10
            changing.save(flag)
            order.append("first")
        connection.close()

    def second() -> None:
        inside.wait(10)
        with change(person=None, source="page", reason="second") as changing:
            order.append("second")
            flag = Flag.objects.get()
            flag.enabled = False
            changing.save(flag)
        connection.close()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    threads[1].join(0.2)
    assert threads[1].is_alive()
    finish.set()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "second"]
    flag = in_force().flags[0]
    assert (flag.percent, flag.enabled) == (10, False)
    assert [r.reason for r in Revision.objects.order_by("id")] == ["test", "first", "second"]


@pytest.mark.django_db(transaction=True)
def test_gateways_hear_of_a_change_when_it_is_committed_and_not_before() -> None:
    connection.ensure_connection()
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as listener:
        listener.execute("LISTEN routerctl_revision")
        with transaction.atomic():
            revision = publish(reason="test", person=None, source="code")
            assert not list(listener.notifies(timeout=0.1))
        heard = [notice.payload for notice in listener.notifies(timeout=5, stop_after=1)]
    assert heard == [revision.hash]
