"""manage.py verify_audit: has anybody changed the audit trail?"""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.verifying import Head, verify


class Command(BaseCommand):
    help = (
        "Walk the audit trail. Prints its head, NUMBER:DIGEST, to be noted elsewhere. Exit status: "
        "0 it is whole, 1 it is not, and the first place where it breaks is told."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--noted",
            type=_head,
            metavar="NUMBER:DIGEST",
            help="a head that was printed earlier, which must still be there",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = verify(options["noted"])
        if found.broken is not None:
            raise CommandError(f"The audit trail is broken: {found.broken}.")
        self.stderr.write(f"{found.entries} entries, each as it was written.")
        if found.head is not None:
            self.stdout.write(str(found.head))


def _head(text: str) -> Head:
    number, _, digest = text.partition(":")
    if not (number.isascii() and number.isdigit() and digest):
        raise ArgumentTypeError("write NUMBER:DIGEST")
    return Head(int(number), digest)
