"""manage.py export_config: the configuration in force as a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.policies.export import export


class Command(BaseCommand):
    help = "Write the configuration in force as a file that apply_config reads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("-o", "--output", help="the file to write; standard output without it")

    def handle(self, *args: Any, **options: Any) -> None:
        text = export()
        if options["output"] is None:
            self.stdout.write(text, ending="")
            return
        try:
            Path(options["output"]).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{options['output']}: {error.strerror}") from None
