"""Any object of the configuration, read and edited alone: the one way of pages and of the API.

An object of a kind (`KINDS`: the file's lists) is an *entry*, spelt as the file writes it; tasks
and plans, which are bare words there, are `{"slug": "chat"}` here. An edit is the file with that
entry changed: the same schema looks at the whole, so that what no file could say no edit can do.
Each edit is one transaction with who, from where and why, and ends in a revision. An edit that
takes two people is asked for by one (`ask`) and made when another one confirms it.

A slug is for ever: traces, the history and other objects know the object by it. To rename one,
create another, let everything refer to it, and remove the first.
"""

from apps.policies.editing.checking import Preview, consequences, preview
from apps.policies.editing.held import Held, Saved, SecretFacts, entries, entry
from apps.policies.editing.kinds import KINDS, as_written
from apps.policies.editing.needs import needs
from apps.policies.editing.past import Past, history
from apps.policies.editing.refusals import (
    Conflict,
    ConflictField,
    EntryProblem,
    Invalid,
    NotThere,
    TakesTwo,
)
from apps.policies.editing.second import (
    Decided,
    NotYours,
    Waiting,
    ask,
    confirm,
    waiting,
    withdraw,
)
from apps.policies.editing.writing import Amendment, amend, amend_all, move, put, remove
from apps.policies.trail import Change

__all__ = [
    "KINDS",
    "Amendment",
    "Change",
    "Conflict",
    "ConflictField",
    "Decided",
    "EntryProblem",
    "Held",
    "Invalid",
    "NotThere",
    "NotYours",
    "Past",
    "Preview",
    "Saved",
    "SecretFacts",
    "TakesTwo",
    "Waiting",
    "amend",
    "amend_all",
    "as_written",
    "ask",
    "confirm",
    "consequences",
    "entries",
    "entry",
    "history",
    "move",
    "needs",
    "preview",
    "put",
    "remove",
    "waiting",
    "withdraw",
]
