"""The rules of the face, read off its sources: what no page may hold, pictures, colours and their contrast."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support import ROOT

from app.views import menu, shell

ASSETS, TEMPLATES = ROOT / "app/assets", ROOT / "app/templates"
PAGES = sorted(path for path in TEMPLATES.rglob("*.html") if "documents" not in path.parts)
"""The templates of screens; those of documents become PDF, under no policy."""
PYTHON = [path for part in ("views", "operations") for path in sorted((ROOT / "app" / part).rglob("*.py"))]
SOURCES = [*PAGES, *PYTHON, *sorted(ASSETS.glob("*.ts"))]

ATTRIBUTES = {
    "a style of its own": re.compile(r"\sstyle\s*="),
    "a handler in an attribute": re.compile(r"\son[a-z]+\s*="),
    "a script without the nonce, or in the page": re.compile(
        r"<script(?![^>]*\ssrc=)|<script(?![^>]*nonce=\"\{\{ csp_nonce\(\) \}\}\")"
    ),
    "a style sheet in the page": re.compile(r"<style\b"),
    "behaviour of Bootstrap 3": re.compile(r"\sdata-(?:toggle|dismiss|target|parent|ride)="),
    "an address outside": re.compile(r"""(?:src|href|action)=["']?(?:https?:)?//"""),
}
OLD = re.compile(
    r"fa|fa-.*|glyphicon.*|panel|panel-(?:default|heading|body|footer|title|primary|group)|well|well-.*|"
    r"btn-(?:default|xs)|help-block|sr-only|has-(?:error|warning|success)|form-group|form-horizontal|"
    r"control-label|col-xs-.*|pull-(?:left|right)|img-responsive|label-(?:default|primary|success|info|"
    r"warning|danger)|table-condensed|select2.*|navbar-default|caret|hidden-(?:xs|sm|md|lg|print)|"
    r"visible-(?:xs|sm|md|lg|print)"
)
"""Classes of Bootstrap 3, Font Awesome and Select2: nothing draws them any more."""
CLASSES = re.compile(r"""\bclass(?:Name)?\s*=\s*["']([^"']*)["']""")
COLOUR = re.compile(
    r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|hwb|lab|lch|oklab|oklch)a?\("
    r"|(?<![\w-])(?:white|black|red|green|blue|gr[ae]y|yellow|orange)\b(?!-)"
)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("what", ATTRIBUTES)
def test_no_page_holds_what_its_policy_refuses(what: str) -> None:
    wrong = [
        f"{named(path)}: {found[0].strip()}"
        for path in PAGES
        for found in ATTRIBUTES[what].finditer(path.read_text(encoding="utf-8"))
    ]
    assert not wrong, "\n".join(["", *wrong])


def test_no_class_of_the_face_before() -> None:
    wrong = [
        f"{named(path)}: {name}"
        for path in SOURCES
        for classes in CLASSES.findall(path.read_text(encoding="utf-8"))
        for name in re.sub(r"\{[{%].*?[}%]\}", " ", classes).split()
        if OLD.fullmatch(name)
    ]
    assert not wrong, "\n".join(["", *wrong])


# Pictures


@cache
def pictures() -> frozenset[str]:
    """The pictures of the sprite."""
    return frozenset((ASSETS / "icons.txt").read_text(encoding="utf-8").split())


def asked_for() -> Iterator[tuple[str, str]]:
    """(where, name) of each picture that a source names outright."""
    for path in SOURCES:
        for call in re.findall(r"\bicon\(([^()]*)\)", path.read_text(encoding="utf-8")):
            for name in re.findall(r"""(?<!== )['"]([a-z0-9-]+)['"]""", call):
                yield named(path), name
    for item in menu.ITEMS:
        if item.name:
            yield item.name, item.icon
    yield from menu.SECTIONS.items()
    yield from shell.THEMES.values()


def test_every_picture_is_in_the_sprite() -> None:
    assert [each for each in asked_for() if each[1] not in pictures()] == []


def test_every_picture_of_the_sprite_is_used() -> None:
    quoted = {
        word
        for path in SOURCES
        for word in re.findall(r"""["'#]([a-z0-9-]+)["']""", path.read_text(encoding="utf-8"))
    }
    assert pictures() - quoted == set()


def test_pictures_stand_once_in_their_list() -> None:
    names = (ASSETS / "icons.txt").read_text(encoding="utf-8").split()
    assert len(names) == len(set(names))


# Colours


def test_colours_are_written_in_one_place() -> None:
    wrong = [
        f"{named(path)}:{number}: {line.strip()[:120]}"
        for path in sorted((ASSETS / "styles").glob("*.scss"))
        if path.name != "tokens.scss"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if COLOUR.search(re.sub(r"//.*|/\*.*?\*/", "", line))
    ]
    assert not wrong, "\n".join(["", *wrong])


@cache
def tokens() -> dict[str, tuple[str, str]]:
    """Each colour token of the product -> (light, dark), as #rrggbb."""
    text = re.sub(r"//.*", "", (ASSETS / "styles/tokens.scss").read_text(encoding="utf-8"))
    found = {}
    for name, value in re.findall(r"--sis-([a-z-]+):\s*([^;]+);", text):
        if pair := re.fullmatch(r"light-dark\((#[0-9a-f]{3,6}),\s*(#[0-9a-f]{3,6})\)", value):
            found[name] = (pair[1], pair[2])
        elif re.fullmatch(r"#[0-9a-f]{3,6}", value):
            found[name] = (value, value)
    return found


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


GROUNDS = ("ground", "paper", "stripe", "hover")
TEXTS = [
    *((text, ground) for text in ("ink", "muted", "blue", "blue-deep", "bad") for ground in GROUNDS),
    *((state, ground) for state in ("ok", "warn", "bad") for ground in (f"{state}-ground", "paper")),
    *(("ink", f"{state}-ground") for state in ("ok", "warn", "bad")),
    *((text, ground) for text in ("on-navy", "on-navy-soft") for ground in ("navy", "navy-deep")),
    *(("on-action", ground) for ground in ("action", "action-deep", "danger-action")),
    ("training-ink", "training"),
]
GRAPHICS = [
    *((shape, ground) for shape in ("control", "focus") for ground in GROUNDS),
    *(("focus-dark", ground) for ground in ("navy", "navy-deep")),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXTS, 4.5), (GRAPHICS, 3.0)], ids=["text", "graphics"])
def test_contrast_is_enough(pairs: list[tuple[str, str]], least: float, theme: str) -> None:
    at = ("light", "dark").index(theme)
    ratios = {(one, other): contrast(tokens()[one][at], tokens()[other][at]) for one, other in pairs}
    assert {pair: round(ratio, 2) for pair, ratio in ratios.items() if ratio < least} == {}
