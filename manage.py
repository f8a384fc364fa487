#!/usr/bin/env python
"""routerctl's command line; `manage.py help` lists what it can do."""

import os
import sys

from routerctl import embedded
from routerctl.env import BadEnvironment

NEED_NO_SERVERS = {"help", "--help", "-h", "version", "--version", "collectstatic"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "routerctl.settings")
    from django.core.management import execute_from_command_line

    try:
        if len(sys.argv) > 1 and not NEED_NO_SERVERS.intersection(sys.argv[1:]):
            embedded.start()
        execute_from_command_line(sys.argv)
    except (embedded.EmbeddedServerError, BadEnvironment) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
