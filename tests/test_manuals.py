"""The manuals say what the screens say: quoted words, addresses, entries of the menu, commands."""

import re
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from support import ROOT
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from app.views.menu import ITEMS

MANUALS = sorted((ROOT / "docs").glob("manual-*.md"))
SOURCES = ("app/**/*.py", "app/**/*.html", "app/**/*.yaml", "run.py")
STEP = re.compile(r"\s*(\d+\.|-|\|)\s")
"""A line of a step list or of a table; the lines that go on with it are indented."""

each_manual = pytest.mark.parametrize("manual", MANUALS, ids=lambda path: path.stem)


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@cache
def product() -> str:
    """Every word of the product, without tags, with strings that are broken over lines joined again."""
    texts = [path.read_text("utf-8") for glob in SOURCES for path in sorted(ROOT.glob(glob))]
    texts += [str(getattr(item.view, "add_title", "")) for item in ITEMS]  # «Agregar …», made from the model
    joined = re.sub(r"""["']\s*\n\s*f?["']""", "", "\n".join(texts))
    return flat(re.sub(r"</?[a-z][^<>]*>", " ", joined)) + flat(joined)


def steps(text: str) -> str:
    """The lines of step lists and tables, each with those that go on with it."""
    kept, inside = [], False
    for line in text.splitlines():
        inside = bool(STEP.match(line)) or (inside and line.startswith("  "))
        kept.append(line if inside else "")
    return "\n".join(kept)


def quoted(text: str) -> set[str]:
    """What stands between «…», the outer ones of two; without emphasis, cut at each ellipsis."""
    found = re.findall(r"«((?:[^«»]|«[^«»]*»)*)»", flat(text))
    return {part.strip() for words in found for part in words.split("…") if part.strip()}


def test_there_is_a_manual_for_each_work() -> None:
    works = {"coordinacion", "firmas", "informatica", "inspeccion", "registro"}
    assert {path.stem.removeprefix("manual-") for path in MANUALS} >= works


@each_manual
def test_quoted_words_are_those_of_the_screens(manual: Path) -> None:
    words = product()
    unknown = [
        quote
        for quote in sorted(quoted(steps(manual.read_text("utf-8"))))
        if not re.search(rf"(?<!\w){re.escape(quote)}(?!\w)", words)
    ]
    assert not unknown, f"{manual.name}: no screen says {unknown}"


@each_manual
def test_addresses_are_routes(manual: Path, app: Flask) -> None:
    routes = app.url_map.bind("localhost")
    for address in re.findall(r"`(/[a-z][^`\s…]*)`", manual.read_text("utf-8")):
        try:
            routes.match(address, method="GET")
        except (RequestRedirect, MethodNotAllowed):
            continue
        except NotFound:
            pytest.fail(f"{manual.name}: {address} leads nowhere")


@each_manual
def test_entries_are_in_the_menu(manual: Path) -> None:
    entries = {(item.section, item.name) for item in ITEMS if item.name}
    named = re.findall(r"\*\*([^*›]+?) › ([^*]+?)\*\*", flat(manual.read_text("utf-8")))
    missing = [f"{section} › {name}" for section, name in named if (section, name) not in entries]
    assert not missing, f"{manual.name}: {missing}"


def test_commands_exist(app: Flask) -> None:
    text = "\n".join(path.read_text("utf-8") for path in MANUALS)
    assert set(re.findall(r"\bflask ([a-z]+(?:-[a-z]+)*)", text)) <= set(app.cli.commands)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
