"""Help: every screen has its part of the manuals, manuals and glossary as pages, words explained in templates."""

import html
import re
from collections.abc import Callable

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from sqlalchemy.orm import Session as OrmSession
from support import ROOT

from app.core.types import fold
from app.views import help, manuals
from app.views.menu import ITEMS

Enter = Callable[[str], FlaskClient]
TERM = re.compile(r"\bterm\('([^']+)'")


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return html.unescape(answer.get_data(as_text=True))


def test_every_screen_of_the_menu_has_its_sections() -> None:
    screens = {item.view.__name__ for item in ITEMS if item.name} | {"HomeView"}
    assert {name for name in screens if name not in help.SCREENS} == set()
    for keys in (*help.SCREENS.values(), help.OTHERWISE):
        for key in keys:
            assert len(manuals.section(key).text) > 40, key


def test_the_map_names_screens_that_exist(app: Flask) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    views = {endpoint.partition(".")[0] for endpoint in endpoints}
    assert {name for name in help.SCREENS if name not in endpoints | views} == set()
    assert set(help.MANUAL_OF.values()) <= set(manuals.NAMES)


def test_every_manual_is_part_of_help() -> None:
    assert {path.stem for path in (ROOT / "docs").glob("manual-*.md")} == {
        f"manual-{name}" for name in manuals.NAMES
    }
    for book in manuals.manuals():
        anchors = [each.anchor for each in book.sections]
        assert len(anchors) == len(set(anchors)), book.name


def test_panel_brings_the_section_of_the_screen_one_s_own_manual_first(db: OrmSession, enter: Enter) -> None:
    inspector = page(enter("inspector1"), "/ayuda/panel?de=HomeView.index")
    coordinator = page(enter("coordinador"), "/ayuda/panel?de=HomeView.index")
    assert re.findall("<h3>([^<]+)</h3>", inspector)[0] == "El comienzo del día"
    assert re.findall("<h3>([^<]+)</h3>", coordinator)[0] == "«Mi trabajo» y sus cifras"
    assert "El marco de cada pantalla" in page(enter("admin"), "/ayuda/panel?de=nada")
    assert enter("admin").get("/ayuda/panel?seccion=nada%23nada").status_code == 404


def test_search_of_help_finds_without_accents(db: OrmSession, enter: Enter) -> None:
    client = enter("mesa")
    for path in ("/ayuda/panel?q=NOMINA", "/ayuda/?q=NOMINA"):
        assert "La nómina de trabajadores" in page(client, path)
    assert "Nada en los manuales coincide con «zzqq»" in page(client, "/ayuda/?q=zzqq")


def test_manual_links_to_the_screens_that_the_person_may_open(db: OrmSession, enter: Enter) -> None:
    assert ">Administración › Usuarios</a>" in page(enter("admin"), "/ayuda/manual/informatica")
    other = page(enter("inspector1"), "/ayuda/manual/informatica")
    assert ">Administración › Usuarios</a>" not in other
    assert "<strong>Administración › Usuarios</strong>" in other
    assert enter("admin").get("/ayuda/manual/otro").status_code == 404


def test_html_in_a_manual_is_text() -> None:
    drawn = manuals.markdown.render("<script>alert(1)</script> [x](javascript:alert(1)) <b onclick=x>y</b>")
    assert "<script" not in drawn
    assert "href" not in drawn
    assert "<b " not in drawn


def test_glossary_says_every_word_and_no_name_of_the_code(db: OrmSession, enter: Enter) -> None:
    text = page(enter("mesa"), "/ayuda/glosario")
    assert len(manuals.glossary()) > 30
    for word, meaning, _ in manuals.glossary():
        assert f"<dt>{word}</dt><dd>{meaning}</dd>" in text
    assert "Visit.document" not in text


def test_words_explained_in_templates_are_in_the_glossary() -> None:
    for path in (ROOT / "app" / "templates").rglob("*.html"):
        for word in TERM.findall(path.read_text("utf-8")):
            assert fold(word) in manuals.terms(), (path.name, word)


@pytest.mark.parametrize("word", ["Prórroga", "acta de inspección"])
def test_word_is_explained_where_it_stands(app: Flask, word: str) -> None:
    with app.test_request_context("/"):
        drawn = render_template_string("{{ term(word) }} {{ term(word, 'otra') }}", word=word)
    keys = re.findall(r'aria-describedby="([^"]+)"', drawn)
    assert len(set(keys)) == 2
    assert all(f'role="tooltip" id="{key}">{manuals.terms()[fold(word)].meaning}' in drawn for key in keys)
    assert ">otra</button>" in drawn


def test_word_that_the_glossary_lacks_stays_a_word(app: Flask) -> None:
    with app.test_request_context("/"):
        assert render_template_string("{{ term('<nada>') }}") == "&lt;nada&gt;"
