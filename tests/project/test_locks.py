"""What is installed is what is locked, and the locks say nothing about where it came from."""

from __future__ import annotations

import re
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from routerctl.env import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")


def asked(name: str) -> list[Requirement]:
    """The requirements of an .in file, without what it includes."""
    lines = (ROOT / name).read_text().splitlines()
    return [Requirement(line) for line in lines if line and line[0] not in "#-"]


def locked(name: str) -> dict[str, list[Requirement]]:
    """A lock's requirements by name; one may have several, with markers."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / name).read_text().splitlines():
        if line and line[0] not in "# ":
            requirement = Requirement(line.rstrip("\\ "))
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_everything_that_is_asked_for(name: str):
    wanted = [r for n in LOCKS[: LOCKS.index(name) + 1] for r in asked(n.replace("lock", "in"))]
    missing = {canonicalize_name(r.name) for r in wanted} - set(locked(name))
    assert not missing, f"run `make lock`: {missing}"


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_version_is_exact_and_has_hashes(name: str):
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text())
    for block in blocks:
        assert re.match(r"[a-z0-9._-]+==[^ ]+ ", block), block[:80]
        assert "--hash=sha256:" in block, block[:80]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_registry(name: str):
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"^--|index-url|find-links", text, re.MULTILINE)


def test_production_runs_the_versions_that_were_tested():
    tested = locked("requirements-dev.lock")
    for name, requirements in locked("requirements.lock").items():
        assert {str(r.specifier) for r in requirements} == {str(r.specifier) for r in tested[name]}


def test_what_is_installed_is_what_is_locked():
    for name, requirements in locked("requirements-dev.lock").items():
        fitting = [r for r in requirements if r.marker is None or r.marker.evaluate()]
        if fitting:
            assert distribution(name).version in fitting[0].specifier, f"run `make setup`: {name}"


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_fresh(name: str):
    """All that the locked versions need in turn is locked too, in a version they accept."""
    held = locked(name)
    for holder in held.values():
        if holder[0].marker is not None and not holder[0].marker.evaluate():
            continue
        for line in distribution(holder[0].name).requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                [found, *_] = held[canonicalize_name(needed.name)]
                version = str(found.specifier).removeprefix("==")
                assert needed.specifier.contains(version, prereleases=True), (holder[0].name, line)
