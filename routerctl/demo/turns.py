"""What Larkfield's people changed during the fortnight, as edits of the configuration file."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from routerctl.demo.fortnight import Fortnight

_FLASH = "  - slug: gemini/flash\n"
_NO_FLASH = f"{_FLASH}    enabled: false\n"


@dataclass(frozen=True, slots=True)
class Turn:
    """A change: `before` stands in the file until `at`, `after` from then on. `by` is the role of
    whoever makes it."""

    at: datetime
    by: str
    reason: str
    before: str
    after: str


def turns(fortnight: Fortnight) -> tuple[Turn, ...]:
    """All changes, in their order. After the last one the file is the example as it stands."""
    workdays = [day for day in fortnight.days if day.weekday() < 5]
    at, friday = fortnight.at, fortnight.friday
    made = (
        Turn(
            at(workdays[1], 10, 20),
            "product",
            "No complaints at 10 percent",
            *_percent("flash-summaries", 10, 25),
        ),
        Turn(
            at(workdays[2], 11, 5),
            "finance",
            "The free plan was over budget last month",
            'limit_usd: "1.50"',
            'limit_usd: "1.00"',
        ),
        Turn(
            at(workdays[3], 15, 42),
            "engineer",
            "A customer waited for a person who had never been told",
            "Never promise a refund.\n",
            "Never promise a refund. Say when a person takes over.\n",
        ),
        Turn(
            at(workdays[4], 9, 30),
            "product",
            "Reviews are short: the basement can read some of them",
            *_percent("reviews-in-the-basement", 10, 40),
        ),
        Turn(
            at(friday, 15, 58),
            "engineer",
            "Gemini answers late or not at all since the early afternoon; out until that is fixed",
            _FLASH,
            _NO_FLASH,
        ),
        Turn(
            at(friday, 18, 25),
            "engineer",
            "Google says it is fixed, and test calls are quick again",
            _NO_FLASH,
            _FLASH,
        ),
        Turn(
            at(workdays[-3], 16, 12),
            "engineer",
            "Asked for by the search team: too many thin answers",
            'owner: search@larkfield.example, quality_floor: "0.60"}',
            'owner: search@larkfield.example, quality_floor: "0.65"}',
        ),
        Turn(
            at(workdays[-2], 9, 40),
            "product",
            "The warehouse says that the summaries are fine",
            *_percent("flash-summaries", 25, 50),
        ),
    )
    return tuple(sorted(made, key=lambda turn: turn.at))


def file_before(made: Iterable[Turn], file: str) -> str:
    """What `file` said before all of the turns `made`."""
    for turn in sorted(made, key=lambda turn: turn.at, reverse=True):
        file = edited(file, turn.after, turn.before)
    return file


def edited(file: str, before: str, after: str) -> str:
    """`file` with `after` in the place of `before`. Raises ValueError when that is not one place:
    the story and the example do not fit together."""
    if file.count(before) != 1:
        raise ValueError(f"the file has {before!r} {file.count(before)} times")
    return file.replace(before, after)


def _percent(flag: str, before: int, after: int) -> tuple[str, str]:
    line = f"{{slug: {flag}, enabled: true, percent: "
    return f"{line}{before},", f"{line}{after},"
