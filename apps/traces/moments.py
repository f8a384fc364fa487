"""Moments as URLs write them: ISO 8601, a date, `now` or `now-6h`."""

import re
from datetime import UTC, datetime, timedelta

_RELATIVE = re.compile(r"now(?:-(\d{1,6})([smhdw]))?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_moment(text: str, now_ms: int) -> int:
    """Milliseconds since the epoch. Without a zone it is UTC; a date is its midnight.

    Raises ValueError for anything else, and for moments before 1970.
    """
    relative = _RELATIVE.fullmatch(text)
    if relative:
        amount, unit = relative.groups()
        back = timedelta(**{_UNITS[unit]: int(amount)}) if unit else timedelta()
        return max(0, now_ms - back // timedelta(milliseconds=1))
    # An unescaped `+02:00` reaches us as a space.
    moment = datetime.fromisoformat(text[:11] + text[11:].replace(" ", "+"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    milliseconds = (moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
    if milliseconds < 0:
        raise ValueError(f"{text} is before 1970")
    return milliseconds
