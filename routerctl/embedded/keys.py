"""The two keys, made once for each data directory, so that development needs no setup."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet


def fill_in(data_dir: Path) -> None:
    """Set ROUTERCTL_SECRET_KEY and ROUTERCTL_ENCRYPTION_KEYS where the environment has none."""
    path = data_dir / "development-keys.json"
    if not path.exists():
        made = {
            "ROUTERCTL_SECRET_KEY": secrets.token_urlsafe(48),
            "ROUTERCTL_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(made))
    for name, value in json.loads(path.read_text()).items():
        if not os.environ.get(name):
            os.environ[name] = value
