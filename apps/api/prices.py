"""/api/v1/prices: what every deployment costs, and proposals made and decided by keys.

A price itself is changed as part of its deployment; a proposal is the way with a look before it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import Struct
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.api.authentication import HasScope, OfAnyTenant
from apps.api.bodies import body_of, reason_of
from apps.api.door import EditingView
from apps.api.objects import ReasonBody
from apps.api.queries import known_only
from apps.api.refusals import Refused, refusals
from apps.api.schema import answers, asks
from apps.policies import prices
from routerctl.engine.errors import RouterError
from routerctl.feeds import Unreadable


class PriceAnswer(Struct, frozen=True):
    """A price as the file writes it, and who stated it when, from where and why."""

    price: dict[str, Any]
    recorded_at: str
    person: str | None
    source: str
    reason: str


class PricedAnswer(Struct, frozen=True):
    """A deployment with the price in force today (UTC) and those to come. null: it has none, and
    is not routable under a money cap."""

    deployment: str
    provider: str
    model: str
    in_force: PriceAnswer | None
    coming: tuple[PriceAnswer, ...]


class PriceList(Struct, frozen=True):
    """In the order of the deployments."""

    results: tuple[PricedAnswer, ...]


class ProposalAnswer(Struct, frozen=True):
    """`state` is open, approved or rejected; `applied` are the places of the items that were
    approved. `refused` marks cannot be approved; items marked `far`, `unit` or `zero` not by
    `person`, who made the proposal (null: a command, or a key of nobody)."""

    id: int
    feed: str
    version: str
    state: str
    made_at: str
    person: str | None
    items: tuple[prices.Item, ...]
    unmatched: dict[str, str]
    unchanged: tuple[str, ...]
    applied: tuple[int, ...]
    decided_at: str | None
    reason: str


class ProposalList(Struct, frozen=True):
    """The 50 newest, newest first."""

    results: tuple[ProposalAnswer, ...]


class ProposalBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Either of a `feed`: genai-prices, with `newest` as the network has it, or litellm with the
    `file` itself; or a `price` of a `deployment`, as the file writes it, and `until` which day."""

    feed: str | None = None
    newest: bool = False
    file: dict[str, Any] | None = None
    deployment: str | None = None
    price: dict[str, Any] | None = None
    until: date | None = None


class ApproveBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`items` are places in the proposal, from 0; what is not among them stays as it is."""

    items: tuple[int, ...]
    reason: str = ""


class _PricesView(EditingView):
    permission_classes = (HasScope, OfAnyTenant)


class PricesView(_PricesView):
    """What every deployment costs. For keys of every tenant."""

    @extend_schema(
        operation_id="list_prices",
        summary="Prices in force and coming",
        responses=answers(PriceList, 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        known_only(request.query_params.dict(), ())
        return Response(PriceList(tuple(map(_priced, prices.catalog(timezone.now())))))


class ProposalsView(_PricesView):
    """Proposals of prices. For keys of every tenant."""

    @extend_schema(
        operation_id="list_price_proposals",
        summary="Proposals of prices, newest first",
        responses=answers(ProposalList, 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        known_only(request.query_params.dict(), ())
        return Response(ProposalList(tuple(map(_proposal, prices.proposals()))))

    @extend_schema(
        operation_id="propose_prices",
        summary="Propose the prices of a feed, or one price",
        request=asks(ProposalBody),
        responses=answers(ProposalAnswer, 400, 401, 403, 404, 413, success=201),
    )
    def post(self, request: Request) -> Response:
        body = body_of(request, ProposalBody)
        with _refused():
            made_from = _by_hand if body.feed is None else _of_feed
            number = made_from(body, self.maker)
        return Response(_proposal(_found(number)), status=status.HTTP_201_CREATED)


class ProposalView(_PricesView):
    """One proposal of prices. For keys of every tenant."""

    @extend_schema(
        operation_id="get_price_proposal",
        summary="A proposal of prices",
        responses=answers(ProposalAnswer, 401, 403, 404),
    )
    def get(self, request: Request, number: int) -> Response:  # noqa: ARG002  # its signature
        return Response(_proposal(_found(number)))


class ApproveView(_PricesView):
    """Puts chosen items of a proposal in force; what is odd not for who proposed it. For keys of
    every tenant."""

    @extend_schema(
        operation_id="approve_price_proposal",
        summary="Approve items of a proposal",
        request=asks(ApproveBody),
        responses=answers(ProposalAnswer, 400, 401, 403, 404, 409, 412),
    )
    def post(self, request: Request, number: int) -> Response:
        _found(number)
        body = body_of(request, ApproveBody)
        reason = reason_of(request, self.key, body.reason)
        with _refused():
            decided = prices.approve(
                number, body.items, person=self.maker, source="api", reason=reason
            )
        return Response(_proposal(decided))


class RejectView(_PricesView):
    """Closes a proposal without a change. For keys of every tenant."""

    @extend_schema(
        operation_id="reject_price_proposal",
        summary="Reject a proposal",
        request=asks(ReasonBody),
        responses=answers(ProposalAnswer, 400, 401, 403, 404, 409),
    )
    def post(self, request: Request, number: int) -> Response:
        _found(number)
        reason = reason_of(request, self.key, body_of(request, ReasonBody).reason)
        with _refused():
            decided = prices.reject(number, person=self.maker, reason=reason)
        return Response(_proposal(decided))


# --------------------------------------------------------------------------- the steps


@contextmanager
def _refused() -> Iterator[None]:
    """What proposals raise inside, as the exception with the right answer."""
    try:
        with refusals():
            yield
    except prices.NotYours as not_yours:
        raise PermissionDenied(str(not_yours)) from None
    except prices.Stale as stale:
        raise Refused(status.HTTP_409_CONFLICT, str(stale), {}) from None
    except (prices.Refused, Unreadable) as refused:
        raise RouterError("invalid_request", str(refused)) from None


def _of_feed(body: ProposalBody, maker: User | None) -> int:
    feed = str(body.feed)
    if feed not in ("genai-prices", "litellm") or (feed == "litellm") != (body.file is not None):
        said = "`feed` is genai-prices, or litellm with the file itself as `file`."
        raise RouterError("invalid_request", said)
    text = "" if body.file is None else json.dumps(body.file)
    version, content = prices.look_up(prices.Feed(feed, text, body.newest))
    made = prices.store(feed, version, content, person=maker, source="api")
    if made is None:
        raise prices.Refused(f"Nothing differs from {feed} {version}.")
    return int(made.pk)


def _by_hand(body: ProposalBody, maker: User | None) -> int:
    if body.deployment is None or body.price is None:
        said = "Give a `feed`, or a `deployment` and its `price`."
        raise RouterError("invalid_request", said)
    made = prices.propose(body.deployment, body.price, body.until, person=maker, source="api")
    return int(made.pk)


def _found(number: int) -> prices.Proposal:
    found = prices.proposal(number)
    if found is None:
        raise NotFound(f"There is no proposal {number}.")
    return found


def _priced(row: prices.Priced) -> PricedAnswer:
    return PricedAnswer(
        deployment=row.deployment,
        provider=row.provider,
        model=row.model,
        in_force=None if row.in_force is None else _price(row.in_force),
        coming=tuple(map(_price, row.coming)),
    )


def _price(row: prices.Dated) -> PriceAnswer:
    return PriceAnswer(
        price=row.entry,
        recorded_at=row.recorded_at.isoformat(),
        person=row.person.email if row.person else None,
        source=row.source,
        reason=row.reason,
    )


def _proposal(found: prices.Proposal) -> ProposalAnswer:
    decided: datetime | None = found.decided_at
    return ProposalAnswer(
        id=found.id,
        feed=found.feed,
        version=found.version,
        state=found.state,
        made_at=found.made_at.isoformat(),
        person=found.person.email if found.person else None,
        items=found.content.items,
        unmatched=found.content.unmatched,
        unchanged=found.content.unchanged,
        applied=found.applied,
        decided_at=decided.isoformat() if decided else None,
        reason=found.reason,
    )
