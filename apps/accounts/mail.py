"""The one mail that is sent: an invitation, if a mail server is configured."""

from datetime import datetime

import structlog
from django.conf import settings
from django.core.mail import send_mail

log = structlog.get_logger(__name__)

_SUBJECT = "You are invited to routerctl"
_TEXT = """Hello,

{by} invites you to routerctl as {role}. Open this link to choose your password:

{link}

It works once, until {until:%d %B %Y, %H:%M} UTC. If you did not expect it, leave it alone.
"""


def mails() -> bool:
    """Whether a mail server is configured."""
    return bool(settings.ENV.email_url)


def send_invitation(*, to: str, by: str, role: str, link: str, until: datetime) -> bool:
    """Whether the mail server took it; False without one."""
    if not mails():
        return False
    text = _TEXT.format(by=by, role=role, link=link, until=until)
    try:
        send_mail(_SUBJECT, text, settings.DEFAULT_FROM_EMAIL, [to])
    except OSError as error:  # SMTPException is one
        log.warning("mail.not_sent", error=type(error).__name__)
        return False
    return True
