"""Finding anything from the bar: by number, RUC, name, screen and action, and never beyond one's own reach."""

import html
import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from inspection_samples import acting, assigned, done, draft
from registry_samples import make
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session as OrmSession

from app.core.base import Session
from app.models.documents import Document
from app.models.followup import RecordDocument
from app.models.registry import Employer, Establishment
from app.operations import search
from app.security.principal import acting_as
from app.views import menu

Enter = Callable[[str], FlaskClient]


def results(client: FlaskClient, q: str) -> dict[str, list[tuple[str, str]]]:
    """What the palette shows: group -> (title, address) of each option."""
    answer = client.get("/buscar/resultados", query_string={"q": q})
    assert answer.status_code == 200
    page = html.unescape(answer.get_data(as_text=True))
    groups = re.split(r'<p class="sis-palette-group"[^>]*>', page)[1:]
    return {
        group.partition("<")[0]: [
            (title, url) for url, title in re.findall(r'(?s)href="([^"]+)".*?<b>(.*?)</b>', group)
        ]
        for group in groups
    }


def test_number_typed_whole_leads_to_its_record(db: OrmSession, enter: Enter) -> None:
    order = assigned()
    client = enter("coordinador")
    for typed in (order.number, order.number.lower(), f" {order.number} "):
        answer = client.get("/buscar/", query_string={"q": typed})
        assert (answer.status_code, answer.location) == (302, f"/ordenes/{order.id}")
    part = results(client, order.number[-6:])["Expedientes, por su número"]
    assert (order.number, f"/ordenes/{order.id}") in part


def test_number_of_an_acta_leads_to_its_visit(db: OrmSession, enter: Enter) -> None:
    visit = done()
    number = db.scalars(
        select(Document.number)
        .join(RecordDocument, RecordDocument.document_id == Document.id)
        .where(RecordDocument.visit_id == visit.id, Document.type_code == "ACT-INS")
    ).one()
    answer = enter("inspector1").get("/buscar/", query_string={"q": number})
    assert answer.location == f"/visitas/{visit.id}"


def test_number_beyond_reach_is_not_there(db: OrmSession, enter: Enter) -> None:
    number = assigned().number
    for username in ("inspector3", "admin", "salud"):
        answer = enter(username).get("/buscar/", query_string={"q": number})
        assert answer.status_code == 200
        assert "Expedientes, por su número" not in results(enter(username), number)


def test_employer_is_found_by_ruc_cedula_and_words_without_accents(db: OrmSession, enter: Enter) -> None:
    with acting("coordinador"):
        made = make(legal_name="Ñandutí Exportación S.A.", ruc="80023457-0")
        person = make(ruc=None, legal_name="Zoilo Ficticio", document_number="4123456")
    client = enter("mesa")
    assert made.ruc is not None
    assert client.get("/buscar/", query_string={"q": made.ruc}).location == f"/empleadores/show/{made.id}"
    assert client.get("/buscar/", query_string={"q": "4.123.456"}).location == (
        f"/empleadores/show/{person.id}"
    )
    found = results(client, "nanduti EXPORTACION")["Empleadores"]
    assert found == [("Ñandutí Exportación S.A.", f"/empleadores/show/{made.id}")]


def test_workers_and_accounts_are_found_by_whoever_may_see_them(db: OrmSession, enter: Enter) -> None:
    assert "Usuarios" in results(enter("admin"), "inspector1")
    assert "Usuarios" not in results(enter("coordinador"), "inspector1")
    for username in ("mesa", "ministro"):
        assert "Trabajadores" not in results(enter(username), "ficticio")


def test_screens_and_actions_are_those_of_the_person(db: OrmSession, enter: Enter) -> None:
    assert results(enter("inspector1"), "feri")["Pantallas y acciones"] == [("Feriados", "/feriados/list/")]
    coordinator, inspector = enter("coordinador"), enter("inspector1")
    assert "Nueva orden" in dict(results(coordinator, "nueva orden")["Pantallas y acciones"])
    assert "Nueva orden" not in dict(results(inspector, "nueva orden").get("Pantallas y acciones", []))
    assert "Usuarios" not in dict(results(inspector, "usuarios").get("Pantallas y acciones", []))
    assert "Nueva orden" in dict(results(coordinator, "")["Acciones"])


def test_every_screen_found_opens(db: OrmSession, enter: Enter) -> None:
    client = enter("admin")
    names = [item.name for item in menu.ITEMS if item.name]
    opened = 0
    for name in names:
        for title, url in results(client, name).get("Pantallas y acciones", []):
            assert client.get(url, follow_redirects=True).status_code == 200, (title, url)
            opened += 1
    assert opened > 20


def test_page_without_script_says_what_is_not_there(db: OrmSession, enter: Enter) -> None:
    client = enter("coordinador")
    assert "Nada coincide con «zzzqqq»" in client.get("/buscar/?q=zzzqqq").get_data(as_text=True)
    assert "tres letras o más" in client.get("/buscar/?q=zz").get_data(as_text=True)
    page = client.get("/buscar/?q=<b>san</b>").get_data(as_text=True)
    assert "<b>san</b>" not in page


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "SELECT set_config")):
            seen.append(statement)

    engine = app.extensions["sis_engine"]
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_search_asks_a_bounded_number_of_questions(
    db: OrmSession, enter: Enter, statements: list[str]
) -> None:
    for _ in range(3):
        assigned()
    for username in ("coordinador", "admin", "juridico"):
        client = enter(username)
        client.get("/buscar/resultados?q=2026 san")
        counts = {}
        for q in ("x", "2026 san"):
            statements.clear()
            client.get("/buscar/resultados", query_string={"q": q})
            counts[q] = len(statements)
        assert 0 < counts["2026 san"] - counts["x"] <= 5, [sql[:90] for sql in statements]
        kinds = [sql for sql in statements if "search_text" in sql or "document.number" in sql]
        assert kinds and all("LIMIT" in sql for sql in kinds)


def test_searches_are_answered_by_their_indexes(db: OrmSession) -> None:
    """With sequential scans out of the way, what remains is an index made for the search."""
    with acting("coordinador") as who:
        draft()
        db.execute(text("SET LOCAL enable_seqscan = off"))
        with acting_as(who):
            for kind, index in ((Employer, "ix_employer_search"), (Establishment, "ix_establishment_search")):
                query = search.found(kind, "cooperativa", 5, 100)
                plan = "\n".join(
                    row[0]
                    for row in Session.execute(
                        text(
                            "EXPLAIN "
                            + str(query.compile(db.get_bind(), compile_kwargs={"literal_binds": True}))
                        )
                    )
                )
                assert index in plan, plan
