"""The sandbox that turns a template and the plain values of a letter into HTML."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jinja2 import (
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateSyntaxError,
    meta,
    nodes,
    pass_context,
)
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.core.clock import local
from app.core.types import date_in_words, format_cedula, format_date, format_guaranies

TEMPLATES: Final = Path(__file__).resolve().parents[2] / "templates" / "documents"

LONGEST = 60_000
"""Letters that the text of a template may have."""
SHARED = frozenset({"base.html", "blocks.html"})
"""What a template that the ministry edits may build on: the page of every letter, the parts of several."""
INHERITED = frozenset({"parts", "self", "extra"})
"""Names that a template has from the page that it extends, and the extra fields of the record."""

_BIDI_CONTROLS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def clean(value: object) -> object:
    """Return a text without control characters, lone surrogates and turners of direction.

    The last would print an amount or a name other than the one stored.
    """
    if not isinstance(value, str):
        return value
    shown = value.translate(_BIDI_CONTROLS)
    if shown.isprintable():
        return shown
    bad = ("Cc", "Cs", "Cn")
    return "".join(c for c in shown if c in "\n\t" or unicodedata.category(c) not in bad)


@pass_context
def _finalize(_: Context, value: object) -> object:
    # With a context Jinja cannot run it, nor what it is given, when it compiles.
    if value is None:
        return ""
    cleaned = clean(value)
    # A text marked as safe keeps its mark only through its own type.
    return type(value)(cleaned) if isinstance(value, str) and isinstance(cleaned, str) else cleaned


def _identity(text: str | None) -> str:
    """`1234567` as `1.234.567`; a foreign document as it is."""
    return format_cedula(text) if text and text.isascii() and text.isdigit() else text or ""


def _number(amount: int) -> str:
    """`1234` as `1.234`."""
    return f"{amount:,}".replace(",", ".")


def _moment(moment: datetime) -> str:
    there = local(moment)
    return f"{format_date(there.date())} {there:%H:%M}"


def _hour(moment: datetime) -> str:
    return f"{local(moment):%H:%M}"


def _local_day(moment: datetime) -> date:
    return local(moment).date()


def _environment() -> ImmutableSandboxedEnvironment:
    # Not optimized: a template is compiled in the server too, where `9**(9**9)` folded to a constant would
    # stop every page. It is worked out in the child alone, which is killed in time.
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        optimized=False,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    del environment.globals["lipsum"]
    for name in ("safe", "pprint", "xmlattr", "urlize", "tojson"):
        environment.filters.pop(name)
    environment.filters.update(
        day=format_date,
        moment=_moment,
        hour=_hour,
        local_day=_local_day,
        guaranies=format_guaranies,
        number=_number,
        in_words=date_in_words,
        identity=_identity,
    )
    return environment


_ENVIRONMENT = _environment()


def compose(template: str, context: Mapping[str, Any]) -> str:
    """Return the HTML of a shipped template (`order.html`) with its data, in this process."""
    return _ENVIRONMENT.get_template(template).render(context)


def compose_source(source: str, context: Mapping[str, Any]) -> str:
    """Return the HTML of a template given as text; it may extend `base.html`. It may also never end: call
    `render.render_letter`, which runs it in a child that is killed in time."""
    return _compiled(source).render(context)


@lru_cache(maxsize=64)
def _compiled(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)


def faults(source: str, known: Collection[str]) -> list[str]:
    """What is wrong with the text of a template, in Spanish, each with its line; empty when it is sound.

    `known` are the names that its letter has. What a template may do at all, the sandbox decides when it
    runs; what reaches for its insides is refused here already.
    """
    if len(source) > LONGEST:
        return [f"El texto pasa de {LONGEST} letras."]
    try:
        tree = _ENVIRONMENT.parse(source)
        escaping = tree.find(nodes.EvalContextModifier)
        if escaping is not None:  # it is worked out while compiling, and would let HTML through
            return [f"Línea {escaping.lineno}: «autoescape» no se puede usar."]
        _compiled(source)
    except TemplateSyntaxError as error:
        return [f"Línea {error.lineno}: {error.message}."]
    except (RecursionError, TemplateError, SyntaxError, ValueError, MemoryError) as error:
        return [f"No se entiende: {error}."]
    found = []
    own = {each.target for each in tree.find_all(nodes.Import)}
    own |= {each.name for each in tree.find_all(nodes.Name) if each.ctx != "load"}
    own |= {each.name for each in tree.find_all(nodes.Macro)}
    unknown = _undeclared(tree) - set(known) - own - INHERITED
    for name in sorted(unknown):
        line = next((n.lineno for n in tree.find_all(nodes.Name) if n.name == name), 1)
        found.append(f"Línea {line}: «{name}» no es un dato de este documento.")
    for getter in tree.find_all((nodes.Getattr, nodes.Getitem)):
        reached = getattr(getter, "attr", None) or getattr(getattr(getter, "arg", None), "value", None)
        if isinstance(reached, str) and reached.startswith("_"):
            found.append(f"Línea {getter.lineno}: «{reached}» no se puede usar.")
    for builder in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        if getattr(getattr(builder, "template", None), "value", None) not in SHARED:
            found.append(f"Línea {builder.lineno}: solo se usan {', '.join(sorted(SHARED))}.")
    return found


def _undeclared(tree: nodes.Template) -> set[str]:
    """What `meta.find_undeclared_variables` says, without working out constants."""
    tracking = meta.TrackingCodeGenerator(_ENVIRONMENT)
    tracking.optimizer = None
    tracking.visit(tree)
    return tracking.undeclared_identifiers


def source_of(template: str) -> str:
    """Return the text of a shipped template, the first version that the ministry edits."""
    return (TEMPLATES / Path(template).name).read_text(encoding="utf-8")
