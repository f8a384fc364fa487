#!/usr/bin/env python
"""routerctl's command line; `manage.py help` lists what it can do."""

import os
import sys

from routerctl import embedded

NEED_NO_SERVERS = {"help", "--help", "-h", "version", "--version", "collectstatic"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "routerctl.settings")
    try:
        embedded.prepare()
        if not NEED_NO_SERVERS.intersection(sys.argv[1:]) and len(sys.argv) > 1:
            embedded.start()
    except embedded.EmbeddedServerError as error:
        sys.exit(str(error))

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
