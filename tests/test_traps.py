"""The traps of Flask-AppBuilder on our application, one test each by number (docs: the list of traps measured
on 5.3.0). Where a trap belongs to a feature that we do not use, the test says that the feature is off.
"""

import ast
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flask_appbuilder
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder import BaseView
from flask_appbuilder.api import BaseApi
from flask_appbuilder.charts.views import BaseChartView
from flask_appbuilder.views import MasterDetailView
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session as OrmSession
from support import ROOT, Live, log_in, token_of

from app.core.base import Model, Session
from app.models.catalogs import District, Jurisdiction, Office
from app.operations import records
from app.operations.seed_files import load
from app.security.roles import GRANTS, Role
from app.views import api
from app.views.api.base import Api
from app.views.base import Interface, RegistryView
from app.views.filters import APPLY, Converter

Enter = Callable[[str], FlaskClient]
FAB = Path(flask_appbuilder.__file__).parent
OFFICE = {"code": "REG-98", "name": "Oficina de prueba", "kind": "regional", "opened_on": "01/01/2024"}


def views(app: Flask) -> list[Any]:
    return list(app.extensions["appbuilder"].baseviews)


def registries(app: Flask) -> list[RegistryView]:
    return [view for view in views(app) if isinstance(view, RegistryView)]


def reader_of(view: RegistryView) -> str:
    """Somebody of the cast who may list this registry."""
    readers = {
        role
        for doors, roles in GRANTS[view.class_permission_name].items()
        if "can_list" in doors
        for role in roles
    }
    return next(row["username"] for row in load("demo.yaml", "accounts") if row["role"] in readers)


def send(client: FlaskClient, path: str, **form: Any) -> Any:
    token = token_of(client.get(path).get_data(as_text=True))
    return client.post(path, data={**form, "csrf_token": token})


@contextmanager
def statements(engine: Any) -> Iterator[list[str]]:
    """The SQL that runs inside the block, savepoints of the fixture apart."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "SAVEPOINT" not in statement:
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_01_no_action_handler_fetches_rows_past_the_filters(app: Flask) -> None:
    assert not [rule.rule for rule in app.url_map.iter_rules() if "/action" in rule.rule]
    assert not [view for view in views(app) if getattr(view, "actions", None)]


def test_02_related_lists_are_drawn_for_those_who_may_list_them(app: Flask, enter: Enter) -> None:
    found = [view for view in registries(app) if view.__dict__.get("sis_related") or view.related_views]
    for view in found:  # none today; a view that gets related lists is checked by the base class
        assert type(view)._related_views is RegistryView._related_views
    office = next(view for view in registries(app) if view.kind is Office)
    seen: list[str] = []

    class Child:
        class_permission_name = "Worker"

    with app.test_request_context():
        office._related_views, before = [Child()], office.__dict__.get("sis_related", [])
        try:
            manager = app.extensions["appbuilder"].sm
            for allowed in (True, False):
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(
                        manager, "has_access", lambda door, of, ok=allowed: seen.append(f"{door} {of}") or ok
                    )
                    assert bool(office._related_views) is allowed
        finally:
            office._related_views = before
    assert set(seen) == {"can_list Worker"}


def test_03_two_people_searching_at_once_each_see_their_own_answer(live: Live) -> None:
    """The filters are kept on the view that all threads share: two real threads, real connections."""
    barrier, wrong = threading.Barrier(2, timeout=60), []
    searches = {"inspector1": ("DGIFT", "REG-CAP"), "coordinador": ("REG-CAP", "DGIFT")}
    clients = {name: log_in(live.app.test_client(), name) for name in searches}

    def search(name: str) -> None:
        mine, other = searches[name]
        for _ in range(25):
            barrier.wait()
            page = clients[name].get(f"/oficinas/list/?_flt_3_code={mine}").get_data(as_text=True)
            # Rows, search form and links are drawn from the same filters: nothing of the other on the page.
            if f">{mine}</a>" not in page or other in page:
                wrong.append((name, mine, re.findall(r'data-label="Sigla"><[^>]+>([^<]+)', page)))

    threads = [threading.Thread(target=search, args=(name,)) for name in searches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[0]


def test_03_the_filters_of_a_view_are_not_kept_between_requests(app: Flask) -> None:
    office = next(view for view in registries(app) if view.kind is Office)
    with app.test_request_context():
        office._filters.add_filter("code", Converter.conversion_table[5][1][3], "DGIFT")
        assert office._filters.filters
    with app.test_request_context():
        assert not office._filters.filters


def test_04_a_grant_is_an_exact_name(app: Flask, enter: Enter) -> None:
    manager = app.extensions["appbuilder"].sm
    assert not app.config.get("FAB_ROLES") and not manager.builtin_roles

    class Someone:
        role_names = frozenset({Role.HEALTH.label})

    with app.test_request_context():
        assert manager._has_view_access(Someone(), "can_get", "Home")
        for door, resource in (
            ("can_get", "HomeExtra"),
            ("can_get", "Hom"),
            ("can_ge", "Home"),
            (".*", ".*"),
        ):
            assert not manager._has_view_access(Someone(), door, resource)


def test_05_a_list_page_costs_few_statements_and_one_for_rights(enter: Enter, app: Flask) -> None:
    client = enter("inspector1")
    with statements(app.extensions["sis_engine"]) as seen:
        assert client.get("/oficinas/list/").status_code == 200
    assert 0 < len(seen) <= 8, seen
    assert not [each for each in seen if "ab_permission" in each], "grants of base roles are code"


def test_06_starting_writes_no_permissions(prepared: Any, app: Flask) -> None:
    from app.factory import create_app

    assert app.config["FAB_UPDATE_PERMS"] is False and app.config["FAB_CREATE_DB"] is False
    again = create_app(prepared)
    engine = again.extensions["sis_engine"]
    try:
        assert engine.pool.checkedin() == engine.pool.checkedout() == 0, (
            "starting asked the database something"
        )
    finally:
        engine.dispose()
        Session.configure(bind=app.extensions["sis_engine"])


def test_07_search_columns_are_declared_and_lists_load_their_relations_at_once(
    app: Flask, enter: Enter
) -> None:
    for view in registries(app):
        assert set(view.search_columns) <= set(view.kind.__mapper__.attrs.keys()), view
        assert not [name for name in view.list_columns if "." in name], view
    client = enter("admin")
    costs = []
    for size in (25, 100):
        with statements(app.extensions["sis_engine"]) as seen:
            page = client.get(f"/distritos/list/?filas={size}").get_data(as_text=True)
        assert page.count("/distritos/show/") == size
        costs.append(len(seen))
    assert costs[0] == costs[1] <= 8, costs


def test_07_a_form_never_loads_a_long_table(enter: Enter) -> None:
    page = enter("admin").get("/establecimientos/add").get_data(as_text=True)
    assert page.count("<option") < 200, "272 districts would be here"


def test_08_a_look_up_takes_words_and_gives_twenty_at_most(enter: Enter) -> None:
    client = enter("admin")
    assert len(client.get("/lookup/district?q=").get_json()) == 20
    found = client.get("/lookup/district", query_string={"q": "asuncion"}).get_json()
    assert found and len(found) < 20


def test_09_the_longest_registries_are_paged_by_key_and_counted_up_to_a_bound(
    enter: Enter, app: Flask
) -> None:
    for path in ("/empleadores/list/", "/establecimientos/list/"):
        client = enter("admin")
        with statements(app.extensions["sis_engine"]) as seen:
            page = client.get(path).get_data(as_text=True)
        assert "despues=" in page
        counts = [each for each in seen if "count(" in each.lower() and "notice" not in each]
        assert len(counts) == 1 and "registros" in page, path
        assert re.search(r"count\(\*\)[^)]*FROM \(SELECT .*?LIMIT", counts[0], re.S), counts[0]


def test_10_a_broken_rule_keeps_what_was_typed(enter: Enter) -> None:
    answer = send(enter("admin"), "/oficinas/add", **{**OFFICE, "code": "DGIFT", "city": "Ciudad a mano"})
    assert answer.status_code == 422 and "Ciudad a mano" in answer.get_data(as_text=True)


def test_11_a_view_cannot_write_but_through_an_operation(app: Flask, db: OrmSession) -> None:
    interface = Interface(Office)
    for write in (interface.add, interface.edit, interface.delete):
        with pytest.raises(RuntimeError):
            write(Office())
    with pytest.raises(RuntimeError):
        interface.delete_all([])
    assert all(isinstance(view.datamodel, Interface) for view in registries(app))


def test_11_the_code_of_the_views_neither_adds_nor_commits() -> None:
    writes = {"add", "add_all", "delete", "commit", "flush", "merge", "bulk_save_objects"}
    for path in sorted((ROOT / "app" / "views").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in writes
            ):
                owner = ast.unparse(node.func.value).lower()
                assert "session" not in owner, f"{path.name}:{node.lineno} {ast.unparse(node.func)}"


def test_12_titles_and_labels_are_in_spanish(app: Flask, enter: Enter) -> None:
    for view in registries(app):
        for title in (view.list_title, view.show_title, view.add_title, view.edit_title):
            assert not re.match(r"(List|Show|Add|Edit)\b", title), (view, title)
    for view in registries(app):
        page = (
            enter(reader_of(view))
            .get(f"{view.route_base}/list/", follow_redirects=True)
            .get_data(as_text=True)
        )
        assert f"<h1>{view.list_title}</h1>" in page, view
        words = re.sub(r"(?s)<script.*?</script>|<[^>]+>", " ", page)
        found = re.search(r"\b(Search|Record Count|List|Show|Page size|Actions|No records)\b", words)
        assert not found, (view, found)


def test_13_rows_carry_our_own_stamps(app: Flask, db: OrmSession) -> None:
    made = records.create(
        Office, {**OFFICE, "opened_on": "2024-01-01"}
    )  # no user: command line and jobs work
    assert made.created_by_id is None and made.created_at.tzinfo is not None
    kinds = [mapper.class_ for mapper in Model.registry.mappers if issubclass(mapper.class_, Model)]
    assert not [kind for kind in kinds if hasattr(kind, "created_by_fk")]
    for view in registries(app):
        assert not {"created_at", "updated_at", "created_by_id", "version", "id"} & set(view.add_columns), (
            view
        )


def test_14_only_what_takes_keys_alone_is_exempt_from_the_csrf_token(app: Flask) -> None:
    protection = app.extensions["csrf"]
    assert not protection._exempt_views
    assert {blueprint.name for blueprint in protection._exempt_blueprints} == {p.__name__ for p in api.PARTS}
    assert not [part for part in api.PARTS if part.allow_browser_login]
    assert app.config["WTF_CSRF_ENABLED"] is True and app.config["WTF_CSRF_METHODS"] >= {
        "POST",
        "PUT",
        "DELETE",
    }


def test_15_leaving_is_a_post(enter: Enter) -> None:
    client = enter("inspector1")
    assert client.get("/logout/").status_code == 405
    assert client.get("/").status_code == 200


def test_16_there_are_no_charts_and_no_master_detail(app: Flask) -> None:
    assert not [view for view in views(app) if isinstance(view, BaseChartView | MasterDetailView)]


def test_17_our_templates_win_over_those_of_the_framework(app: Flask) -> None:
    ours = ROOT / "app" / "templates"
    for path in sorted((ours / "appbuilder").rglob("*.html")):
        name = path.relative_to(ours).as_posix()
        assert app.jinja_env.get_template(name).filename == str(path)
        assert (FAB / "templates" / name).exists(), f"{name} replaces nothing any more"


def test_18_the_folder_of_translations_is_absolute_and_read(app: Flask) -> None:
    folders = app.config["BABEL_TRANSLATION_DIRECTORIES"].split(";")
    assert str(ROOT / "translations") == folders[-1]
    assert all(Path(folder).is_absolute() for folder in folders)


def test_19_an_unexpected_error_is_a_number_and_not_the_words_of_the_database(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> None:
        Session.execute(text("SELECT secreto FROM tabla_interna"))

    client = enter("admin")
    monkeypatch.setattr(records, "create", fail)
    answer = send(client, "/oficinas/add", **{**OFFICE, "city": "Ciudad a mano"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500 and re.search(r"error del sistema \(n.º [0-9a-f]{8}\)", page)
    assert "Ciudad a mano" in page
    assert "tabla_interna" not in page and "psycopg2" not in page and "SELECT" not in page


def test_20_the_driver_is_psycopg2_whatever_the_address(app: Flask) -> None:
    assert app.extensions["sis_engine"].dialect.driver == "psycopg2"


def test_21_no_page_of_the_framework_speaks_english(enter: Enter) -> None:
    page = enter("admin").get("/oficinas/list/?_flt_2_name=x").get_data(as_text=True)
    for word in ("Add Filter", "Starts with", "Equal to", "Search"):
        assert word not in page, word


def test_22_and_23_there_is_no_rest_api_but_ours(app: Flask, enter: Enter) -> None:
    assert not app.config["FAB_ADD_SECURITY_API"] and not app.config["FAB_API_SWAGGER_UI"]
    assert {type(view) for view in views(app) if isinstance(view, BaseApi)} == set(api.PARTS)
    assert not [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/swagger")]
    client = enter("admin")
    assert client.get("/api/v1/_openapi").status_code == 401
    for path in ("/api/v1/menu/", "/api/v1/security/login", "/swagger/v1"):
        assert client.get(path).status_code == 404, path
    assert client.post("/api/v1/security/login", json=[None]).status_code in (400, 404)


def test_24_the_limiter_of_the_framework_is_off_and_ours_counts_failures(app: Flask) -> None:
    assert not app.config["AUTH_RATE_LIMITED"] and not app.config["RATELIMIT_ENABLED"]
    from app.models.security import LoginFailure

    assert LoginFailure.__table__.primary_key.columns.keys() == ["name_hash", "address"]


def test_25_accounts_are_in_the_database(app: Flask) -> None:
    assert app.config["AUTH_TYPE"] == 1 and app.config["AUTH_USER_REGISTRATION"] is False


# Beyond the list: what Flask-AppBuilder would add unasked, and its filters.


@pytest.mark.parametrize(
    "path",
    [
        "/back",
        "/lang/en",
        "/api/v1/menu/",
        "/resetmypassword/form",
        "/resetpassword/form?pk=1",
        "/users/list/",
        "/users/userinfo/",
        "/roles/list/",
        "/permissions/list/",
        "/viewmenus/list/",
        "/permissionviews/list/",
        "/userstatschartview/chart/",
        "/registeruser/list/",
        "/register/form",
        "/oauth-authorized/x",
        "/oficinas/download/x",
        "/oficinas/delete/1",
        "/oficinas/action/x/1",
        "/oficinas/action_post",
    ],
)
def test_no_route_of_the_framework_answers_unasked(enter: Enter, path: str) -> None:
    assert enter("admin").get(path).status_code == 404


def test_the_views_of_the_framework_itself_are_not_registered(app: Flask) -> None:
    theirs = [view for view in views(app) if type(view).__module__.startswith("flask_appbuilder")]
    assert theirs == []
    assert all(isinstance(view, BaseView | Api) for view in views(app))


def test_every_filter_of_the_framework_is_replaced() -> None:
    used = {kind for _, kinds in Converter.conversion_table for kind in kinds}
    assert all(kind.apply in APPLY.values() for kind in used)


def codes(client: FlaskClient, query: dict[str, str]) -> set[str]:
    page = client.get("/oficinas/list/", query_string={**query, "filas": "100"})
    assert page.status_code == 200
    return set(re.findall(r'<a href="/oficinas/show/\d+">([^<]+)</a>', page.get_data(as_text=True)))


@pytest.mark.parametrize("sign", ["%", "_", "\\", "%%", "D%T", "DGIF_"])
@pytest.mark.parametrize("kind", [0, 1, 2, 3])
def test_a_filter_takes_percent_and_underscore_as_letters(enter: Enter, kind: int, sign: str) -> None:
    assert codes(enter("admin"), {f"_flt_{kind}_code": sign}) == set()


def test_a_name_with_percent_is_found_by_it_with_or_without_accents(enter: Enter, db: OrmSession) -> None:
    records.create(Office, {**OFFICE, "name": "Ñandejára 100% Sosa_B", "opened_on": "2024-01-01"})
    client = enter("admin")
    for kind, words in ((0, "nandejara 100%"), (2, "100% s"), (1, "sosa_b"), (2, "JÁRA")):
        assert codes(client, {f"_flt_{kind}_name": words}) == {"REG-98"}, words
    assert "REG-98" not in codes(client, {"_flt_6_name": "100%"})


@pytest.mark.parametrize(
    "view", ["oficinas", "distritos", "feriados", "salario-minimo", "ausencias", "normas"]
)
def test_no_filter_with_nonsense_is_an_error(enter: Enter, app: Flask, view: str) -> None:
    registry = next(each for each in registries(app) if each.route_base == f"/{view}")
    client = enter(reader_of(registry))
    for column in [*registry.search_columns, "id", "uuid", "nada"]:
        for kind in range(10):
            for value in ("abc", "", "0", "-1", "1e400", str(2**40), "9" * 25, "31/02/2024", "2024-01-01"):
                answer = client.get(f"/{view}/list/", query_string={f"_flt_{kind}_{column}": value})
                assert answer.status_code == 200, (column, kind, value)


def test_a_date_is_read_day_first(enter: Enter, db: OrmSession) -> None:
    from app.views.filters import _day

    assert _day("02/03/2026").isoformat() == _day("2026-03-02").isoformat() == "2026-03-02"


def test_a_filter_by_a_record_takes_its_key(enter: Enter, db: OrmSession) -> None:
    district = db.scalars(select(District).limit(1)).one()
    client = enter("admin")
    page = client.get(
        "/distritos/list/", query_string={"_flt_0_department": district.department_code}
    ).get_data(as_text=True)
    assert district.name in page
    assert "Nada coincide" in client.get("/distritos/list/?_flt_0_department=9999").get_data(as_text=True)


def test_the_matrix_names_only_models_that_are_screens() -> None:
    assert Jurisdiction.__name__ not in GRANTS
