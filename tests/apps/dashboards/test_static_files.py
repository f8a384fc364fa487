"""What is served as it lies: nothing foreign unproven, nothing unused, nothing inline."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

ROOT = Path(__file__).resolve().parents[3]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
CODE = [*TEMPLATES, *(ROOT / "apps" / "dashboards").rglob("*.py"), *(ROOT / "static/js").iterdir()]
VENDORED = {ROOT / "static/vendor": ROOT / "static", ROOT / "tests/browser/vendor": None}


def vendored():
    for folder, base in VENDORED.items():
        for name, facts in json.loads((folder / "VENDOR.json").read_text()).items():
            yield pytest.param((base or folder) / name, base or folder, facts, id=name)


@pytest.mark.parametrize(("file", "base", "facts"), list(vendored()))
def test_what_comes_from_elsewhere_is_what_was_taken(file, base, facts):
    assert hashlib.sha256(file.read_bytes()).hexdigest() == facts["sha256"]
    assert (base / facts["licence_file"]).is_file()
    assert re.fullmatch(r"\d+\.\d+\.\d+", facts["version"])


def test_htmx_is_the_one_that_django_htmx_brings():
    assert finders.find("django_htmx/htmx-2.min.js")


def test_the_sprite_holds_the_icons_that_pages_use_and_no_others():
    sprite = (ROOT / "static/icons/sprite.svg").read_text()
    there = set(re.findall(r'id="i-([a-z0-9-]+)"', sprite))
    source = "\n".join(path.read_text() for path in CODE)
    assert {name for name in there if f'"{name}"' not in source} == set()
    asked = set(re.findall(r'{% icon "([a-z0-9-]+)"', source))
    asked |= set(re.findall(r'icon_name="([a-z0-9-]+)"', source))
    assert asked <= there


def test_every_class_of_the_stylesheet_is_used():
    css = re.sub(r"/\*.*?\*/", "", (ROOT / "static/css/app.css").read_text(), flags=re.DOTALL)
    selectors = re.sub(r"\{[^{}]*\}", " ", css)
    styled = set(re.findall(r"\.([a-z][a-z-]*)", selectors))
    source = "\n".join(path.read_text() for path in CODE)
    assert {name for name in styled if not re.search(rf"\b{name}\b", source)} == set()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_templates_have_no_inline_script_style_or_handler(template):
    source = template.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", source)
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", source)
