"""manage.py create_api_key: prints a new key, once, alone on the last line."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.accounts import keys
from apps.accounts.models import ApiKey


class Command(BaseCommand):
    help = "Make an API key. What is given is pinned, and a request cannot override it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="whose key this is, in words")
        parser.add_argument("--tenant", required=True, help="a tenant, or '*' for any")
        parser.add_argument("--plan", default="")
        parser.add_argument("--feature", default="")
        parser.add_argument("--app", default="")
        parser.add_argument("--scopes", default="generate", help="separated by commas")
        parser.add_argument("--disclose", default="none", choices=ApiKey.Disclose.values)
        parser.add_argument("--legacy", action="store_true", help="forgive provider fields")
        parser.add_argument("--expires-in-days", type=int, metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        days: int | None = options["expires_in_days"]
        try:
            key, token = keys.create(
                name=options["name"],
                tenant=options["tenant"],
                plan=options["plan"],
                feature=options["feature"],
                app=options["app"],
                scopes=[scope.strip() for scope in options["scopes"].split(",")],
                disclose=options["disclose"],
                legacy=options["legacy"],
                expires_at=None if days is None else timezone.now() + timedelta(days=days),
                reason="made on the command line",
            )
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stderr.write(f"{key}: shown once, keep it safe")
        self.stdout.write(token)
