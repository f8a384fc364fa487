"""Nothing runs at the start of Python that nobody asked for."""

import site
from pathlib import Path

KNOWN = {"distutils-precedence.pth", "_virtualenv.pth", "a1_coverage.pth"}


def test_no_unknown_startup_file_is_installed():
    """A `.pth` file runs code in every Python process: the way in of poisoned packages."""
    found = {path.name for folder in site.getsitepackages() for path in Path(folder).glob("*.pth")}
    assert found <= KNOWN
