"""manage.py apply_config: make a file the whole configuration."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.policies.apply import apply, difference, findings
from apps.policies.schema import BadConfiguration


class Command(BaseCommand):
    help = (
        "Make a file the whole configuration and publish it. Prints the difference. "
        "Exit status: 0 nothing to do or applied, 1 the file is wrong and nothing was applied, "
        "2 (--dry-run) there is a difference. What the file probably does not mean is told on "
        "standard error and changes no exit status."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("-f", "--file", required=True, help="the file, or - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="only print the difference")
        parser.add_argument("--reason", help="why, for the change log")

    def handle(self, *args: Any, **options: Any) -> None:
        text = _read(options["file"])
        try:
            for finding in findings(text):
                self.stderr.write(str(finding))
            if options["dry_run"]:
                self._show(text)
            else:
                self._apply(text, options["reason"] or f"applied {options['file']}")
        except BadConfiguration as error:
            count = len(error.problems)
            raise CommandError(f"{error}\n{count} errors; nothing was applied") from None

    def _show(self, text: bytes) -> None:
        planned = difference(text)
        if not planned:
            self.stderr.write("Nothing to do.")
            return
        self.stdout.write(str(planned))
        sys.exit(2)

    def _apply(self, text: bytes, reason: str) -> None:
        done, revision = apply(text, reason=reason)
        if done:
            self.stdout.write(str(done))
        self.stderr.write(
            f"{'Applied' if done else 'Nothing to do'}; revision {revision[:12]} is in force."
        )


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from None
