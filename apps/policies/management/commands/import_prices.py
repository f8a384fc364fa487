"""manage.py import_prices: propose the prices of a feed."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.policies import prices
from apps.policies.prices.words import told
from routerctl.feeds import Unreadable


class Command(BaseCommand):
    help = (
        "Propose the prices of a feed, for somebody to approve on the page Prices. Prints what "
        "would change. Exit status: 0 nothing to do or proposed, 1 the feed cannot be read, "
        "2 (--dry-run) there is a difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", dest="feed", required=True, metavar="genai-prices|FILE",
            help="what the package genai-prices brings along, or a file in LiteLLM's format",
        )  # fmt: skip
        parser.add_argument("--newest", action="store_true", help="ask the network for newer data")
        parser.add_argument("--dry-run", action="store_true", help="only print the difference")

    def handle(self, *args: Any, **options: Any) -> None:
        feed = _feed(options["feed"], options["newest"])
        try:
            version, content = prices.look_up(feed)
        except (Unreadable, prices.Refused) as error:
            raise CommandError(str(error)) from None
        if said := told(content):
            self.stdout.write(said)
        if not content.items:
            self.stderr.write("Nothing to do.")
        elif options["dry_run"]:
            sys.exit(2)
        else:
            made = prices.store(feed.name, version, content, person=None, source="command")
            assert made is not None
            self.stderr.write(f"Proposal {made.pk} waits for somebody to approve it.")


def _feed(named: str, newest: bool) -> prices.Feed:
    if named == "genai-prices":
        return prices.Feed(named, newest=newest)
    try:
        return prices.Feed("litellm", Path(named).read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{named}: {error}") from None
