"""Prices as people and feeds propose them, and what is in force.

A proposal is a stored value: what a feed or a person asks for, beside what holds, with what is
odd about it and what it would have cost. Approving it is an edit of the deployments concerned,
as any other; rejecting it keeps the record.
"""

from apps.policies.prices.catalog import Dated, Priced, catalog, past
from apps.policies.prices.classes import TITLES, Row, rows_between
from apps.policies.prices.deciding import approve, proposal, proposals, reject, takes_another
from apps.policies.prices.making import Feed, look_up, propose, store
from apps.policies.prices.values import (
    HAND,
    Content,
    Effect,
    Item,
    Mark,
    NotYours,
    Proposal,
    Refused,
    Stale,
)

__all__ = [
    "HAND",
    "TITLES",
    "Content",
    "Dated",
    "Effect",
    "Feed",
    "Item",
    "Mark",
    "NotYours",
    "Priced",
    "Proposal",
    "Refused",
    "Row",
    "Stale",
    "approve",
    "catalog",
    "look_up",
    "past",
    "proposal",
    "proposals",
    "propose",
    "reject",
    "rows_between",
    "store",
    "takes_another",
]
