"""manage.py create_user: a person who can sign in."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apps.accounts import people
from apps.accounts.models import Role
from apps.accounts.tenants import ANY


class Command(BaseCommand):
    help = "Make a person. The password is one line of standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--role", required=True, choices=Role.values)
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--tenant", action="append", metavar="T", help="whose traces; again for more; all: '*'"
        )
        parser.add_argument("--password-stdin", action="store_true", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            person = people.create(
                email=options["email"],
                role=options["role"],
                tenants=options["tenant"] or [ANY],
                name=options["name"],
                password=sys.stdin.readline().rstrip("\r\n"),
                reason="made on the command line",
            )
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stderr.write(f"{person.email} may sign in as {person.role}")
