"""The chain of the trail: what is done to it afterwards is named, here and on another computer."""

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from support import ROOT, Live

from app.core.base import Session
from app.core.errors import Missing, RuleBroken
from app.models.catalogs import Office
from app.operations import audit, promotion, records
from app.operations.unit import act
from app.security.principal import Principal, acting_as

BARE = "SET session_replication_role = replica; "
"""A superuser can do without triggers; that is what the chain is for."""


def office(number: int, **more: object) -> dict[str, object]:
    return {
        "code": f"REG-{number}",
        "name": f"Oficina {number}",
        "kind": "regional",
        "opened_on": "2024-01-01",
    } | more


def worked(live: Live, changes: int = 3) -> int:
    """A few acts of a person, sealed; the last seal."""
    with acting_as(Principal("ana", origin="web")):
        made = records.create(Office, office(90))
        for number in range(changes):
            records.change(Office, made.id, {"name": f"Nombre {number}"})
    settle()
    return audit.head().seq


def settle() -> None:
    """Seal, until no row can still be on its way."""
    for _ in range(3):
        audit.seal()


def hands(live: Live, sql: str) -> None:
    live.sql(BARE + sql, live.urls.superuser_url)


def sealed(live: Live, kind: str, back: int) -> tuple[int, int]:
    """Seal and number of a row, so many seals of its kind before the last."""
    rows = live.sql(
        f"SELECT seq, row_id FROM audit.seal WHERE kind = '{kind}' ORDER BY seq DESC OFFSET {back} LIMIT 1"
    )
    return tuple(rows[0])


def copied(tmp_path: Path) -> Path:
    path = tmp_path / "copia.jsonl"
    path.write_text("".join(f"{line}\n" for line in audit.export()), encoding="utf-8")
    return path


def elsewhere(path: Path, *heads: str) -> tuple[int, str]:
    """What the program for another computer says of a copy."""
    options = [f"--head={head}" for head in heads]
    done = subprocess.run(
        [sys.executable, "-I", str(ROOT / "tools" / "verify_audit.py"), str(path), *options],
        capture_output=True,
        encoding="utf-8",
        env={"PYTHONUTF8": "1"},
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def test_each_row_gets_one_seal_and_the_chain_holds(live: Live, tmp_path: Path) -> None:
    last = worked(live)
    rows = live.sql("SELECT (SELECT count(*) FROM audit.act) + (SELECT count(*) FROM audit.change)")[0][0]
    assert last == rows == live.sql("SELECT count(*) FROM audit.seal")[0][0]
    assert audit.head().waiting_since is None and not audit.head().late
    report = audit.verify()
    assert report.ok and report.seq == last, report.faults
    code, said = elsewhere(copied(tmp_path), f"{last}:{report.hash}")
    assert code == 0 and f"Íntegro hasta el sello {last}" in said
    records.create(Office, office(91))
    assert audit.head().waiting_since is not None
    audit.seal()
    assert audit.head().waiting_since is None


def test_writers_and_sealers_at_once_leave_one_gapless_chain(live: Live) -> None:
    settle()
    before = audit.head().seq
    stop = threading.Event()

    def write(number: int) -> None:
        for turn in range(6):
            with acting_as(Principal(f"escritor {number}", origin="web")):
                records.create(Office, office(100 + number * 10 + turn))
            Session.remove()

    def seal() -> None:
        while not stop.is_set():
            audit.seal()
            Session.remove()

    sealers = [threading.Thread(target=seal) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in (*sealers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in sealers:
        thread.join()
    settle()
    assert audit.head().seq - before == 4 * 6 * 2
    assert audit.verify().ok


def test_a_row_on_its_way_while_others_are_sealed_is_no_stranger(live: Live) -> None:
    """Numbers are given before the commit: the slow transaction has the lower ones and comes last."""
    settle()
    slow = create_engine(live.urls.app_url)
    with slow.connect() as connection:
        transaction = connection.begin()
        connection.execute(
            text("SELECT audit.open_act(NULL, 'lento', 'office.create', NULL, 'web', NULL, NULL)")
        )
        records.create(Office, office(92))
        settle()
        assert audit.verify().ok
        transaction.commit()
    slow.dispose()
    assert audit.verify().ok
    settle()
    assert audit.verify().ok and audit.head().waiting_since is None
    assert live.sql("SELECT count(*) FROM audit.act WHERE actor = 'lento'")[0][0] == 1


Deed = Callable[[Live, Connection], tuple[str, int | None, str]]
"""Does something to the trail; the code, the seal and a word that name it."""


def edit(live: Live, hand: Connection) -> tuple[str, int | None, str]:
    seq, row = sealed(live, "c", 1)
    hand.exec_driver_sql(f'UPDATE audit.change SET new_values = \'{{"name": "otro"}}\' WHERE id = {row}')
    return "edited", seq, f"n.º {row}"


def delete(live: Live, hand: Connection) -> tuple[str, int | None, str]:
    seq, row = sealed(live, "c", 1)
    hand.exec_driver_sql(f"DELETE FROM audit.change WHERE id = {row}")
    return "deleted", seq, str(row)


def delete_with_its_seal(live: Live, hand: Connection) -> tuple[str, int | None, str]:
    seq, row = sealed(live, "a", 1)
    hand.exec_driver_sql(f"DELETE FROM audit.seal WHERE seq = {seq}; DELETE FROM audit.act WHERE id = {row}")
    return "missing", seq, f"sello {seq}"


def insert(live: Live, hand: Connection) -> tuple[str, int | None, str]:
    hand.exec_driver_sql(
        "INSERT INTO audit.act (id, actor, verb, origin) OVERRIDING SYSTEM VALUE"
        " VALUES (0, 'nadie', 'office.create', 'web')"
    )
    return "inserted", None, "Acto n.º 0"


def insert_with_a_seal_beside_the_chain(live: Live, hand: Connection) -> tuple[str, int | None, str]:
    insert(live, hand)
    hand.exec_driver_sql("INSERT INTO audit.seal (seq, kind, row_id, hash) VALUES (-1, 'a', 0, '')")
    return "inserted", None, "Acto n.º 0"


def insert_with_an_old_hour(live: Live, hand: Connection) -> tuple[str, int | None, str]:
    hand.exec_driver_sql(
        "INSERT INTO audit.act (actor, verb, origin, at) VALUES ('x', 'y', 'web', now() - interval '1 day')"
    )
    return "backdated", None, "hora anterior"


def reorder(live: Live, hand: Connection) -> tuple[str, int | None, str]:
    (second, b), (first, a) = sealed(live, "c", 1), sealed(live, "c", 2)
    hand.exec_driver_sql(
        f"UPDATE audit.seal SET row_id = -1 WHERE seq = {first};"
        f"UPDATE audit.seal SET row_id = {a} WHERE seq = {second};"
        f"UPDATE audit.seal SET row_id = {b} WHERE seq = {first}"
    )
    return "edited", first, f"n.º {b}"


def cut(live: Live, hand: Connection) -> tuple[str, int | None, str]:
    last = audit.head().seq
    hand.exec_driver_sql(f"DELETE FROM audit.seal WHERE seq > {last - 4}")
    return "cut", last - 3, f"{last - 3} a {last}"


def cut_with_its_head(live: Live, hand: Connection) -> tuple[str, int | None, str]:
    last = audit.head().seq
    for kind, table in (("c", "change"), ("r", "reading"), ("a", "act")):
        hand.exec_driver_sql(
            f"DELETE FROM audit.{table} WHERE id IN"
            f" (SELECT row_id FROM audit.seal WHERE kind = '{kind}' AND seq > {last - 4})"
        )
    hand.exec_driver_sql(
        f"DELETE FROM audit.seal WHERE seq > {last - 4};"
        "UPDATE audit.sealing SET (seq, hash) = (SELECT seq, hash FROM audit.seal ORDER BY seq DESC LIMIT 1)"
    )
    return "cut", last, "se cortó el final"


INSIDE_ONLY = (insert, insert_with_a_seal_beside_the_chain, insert_with_an_old_hour)
"""What has no seal is in no copy."""


def test_what_is_done_to_the_trail_is_named_here_and_elsewhere(live: Live, tmp_path: Path) -> None:
    worked(live)
    kept = audit.head()
    assert audit.verify([(kept.seq, kept.hash)]).ok
    superuser = create_engine(live.urls.superuser_url)
    deeds = (edit, delete, delete_with_its_seal, reorder, cut, cut_with_its_head, *INSIDE_ONLY)
    for deed in deeds:
        with superuser.connect() as hand, hand.begin() as undone:
            hand.exec_driver_sql(BARE)
            code, seq, word = deed(live, hand)
            with promotion.elsewhere(hand):
                found = audit.verify([(kept.seq, kept.hash)]).faults
                path = copied(tmp_path)
            undone.rollback()
        assert (found[0].code, found[0].seq) == (code, seq) and word in found[0].sentence, (deed, found)
        if deed not in INSIDE_ONLY:
            status, said = elsewhere(path, f"{kept.seq}:{kept.hash}")
            first = said.splitlines()[0]
            assert status == 1 and (str(seq) in first or deed is cut and "se cortó" in first), (deed, said)
    superuser.dispose()
    settle()
    assert audit.verify().ok


def test_a_chain_made_anew_is_named_by_an_earlier_verification(live: Live, tmp_path: Path) -> None:
    worked(live)
    check = audit.nightly()
    assert check.faults == []
    kept = audit.read_copy(f"{check.seq}:{check.hash[:16]}")
    seq, row = sealed(live, "c", 2)
    hands(
        live,
        f'UPDATE audit.change SET new_values = \'{{"name": "otro"}}\' WHERE id = {row}; DELETE FROM audit.seal;'
        "UPDATE audit.sealing SET seq = 0, hash = decode(repeat('00', 32), 'hex'), settled = '{0,0,0}'",
    )
    settle()
    assert [each.code for each in audit.verify().faults] == ["remade"]
    code, said = elsewhere(copied(tmp_path), f"{kept[0]}:{kept[1]}")
    assert code == 1 and "se rehízo" in said and str(kept[0]) in said


TOUCHES = {
    "edited": (lambda lines: [*lines[:5], lines[5].replace('"kind"', '"Kind"', 1), *lines[6:]], "Sello 5:"),
    "deleted": (lambda lines: lines[:5] + lines[6:], "no está el sello 5"),
    "inserted": (lambda lines: [*lines[:5], lines[4], *lines[5:]], "el sello 4"),
    "moved": (lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]], "sello 5"),
    "garbled": (lambda lines: [*lines[:5], "nada", *lines[6:]], "Línea 6"),
    "cut": (lambda lines: lines[:-2], "se cortó el final"),
}


def test_a_copy_touched_elsewhere_is_named_and_may_begin_anywhere(live: Live, tmp_path: Path) -> None:
    last = worked(live)
    path = copied(tmp_path)
    assert elsewhere(path)[0] == 0
    lines = path.read_text(encoding="utf-8").splitlines()
    for name, (touch, word) in TOUCHES.items():
        path.write_text("\n".join(touch(lines)) + "\n", encoding="utf-8")
        code, said = elsewhere(path)
        assert code == 1 and word in said.splitlines()[0], (name, said)
    path.write_text("\n".join(audit.export(last - 5)) + "\n", encoding="utf-8")
    hash = live.sql(f"SELECT audit.hash_at({last})")[0][0]
    assert elsewhere(path, f"{last}:{hash}")[0] == 0
    with pytest.raises(RuleBroken):
        audit.export(last + 100)
    path.write_bytes(path.read_bytes() + b"\xff\n")
    for unread in (path, tmp_path, tmp_path / "no hay"):
        program = [sys.executable, "-I", str(ROOT / "tools" / "verify_audit.py"), str(unread)]
        done = subprocess.run(program, capture_output=True, check=False)
        assert done.returncode == 2 and b"Traceback" not in done.stderr, unread


# -- the tables against their changes


def test_a_row_changed_with_the_triggers_off_is_named(live: Live) -> None:
    made = records.create(Office, office(94))
    other = records.create(Office, office(95))
    assert audit.verify_tables().ok
    hands(
        live,
        f"UPDATE office SET city = 'Luque' WHERE id = {made.id}; DELETE FROM office WHERE id = {other.id};"
        "INSERT INTO ab_view_menu (name) VALUES ('Nadie');"
        "UPDATE ab_user SET password = 'otra' WHERE username = 'mesa'",
    )
    report = audit.verify_tables()
    found = {(row.table, row.code, row.columns) for row in report.faults}
    assert found == {
        ("office", "changed", ("city",)),
        ("office", "deleted", ()),
        ("ab_view_menu", "inserted", ()),
        ("ab_user", "changed", ("password",)),
    }
    assert f"Oficina {made.id} cambió sin rastro (city)." in report.sentences
    with pytest.raises(Missing):
        audit.verify_tables(["nada"])


def test_a_table_emptied_and_columns_of_later_migrations_are_understood(live: Live) -> None:
    live.sql("CREATE TABLE later (id int PRIMARY KEY, a text)")
    live.sql(
        "CREATE TRIGGER zz_audit AFTER INSERT OR UPDATE OR DELETE ON later"
        " FOR EACH ROW EXECUTE FUNCTION audit.record('id', '', '');"
        "CREATE TRIGGER zz_audit_emptied AFTER TRUNCATE ON later FOR EACH STATEMENT EXECUTE FUNCTION audit.record();"
        "INSERT INTO later VALUES (1, 'x'), (2, 'y'); TRUNCATE later; INSERT INTO later VALUES (1, 'z')"
    )
    live.sql("SELECT audit.note_columns()")
    live.sql("ALTER TABLE later ADD COLUMN b int NOT NULL DEFAULT 7, ADD COLUMN c text")
    live.sql("SELECT audit.note_columns(); ALTER TABLE later ALTER b DROP DEFAULT")
    assert audit.verify_tables(["later"]).ok
    hands(live, "UPDATE later SET b = 8, c = 'q'")
    assert [row.columns for row in audit.verify_tables(["later"]).faults] == [("b", "c")]
    live.sql("UPDATE later SET b = 7, c = 'r'; UPDATE later SET id = 3")
    assert audit.verify_tables(["later"]).ok
    hands(live, "INSERT INTO later VALUES (10, 'm', 1)")
    assert [row.code for row in audit.verify_tables(["later"]).faults] == ["inserted"]
    live.sql("SELECT audit.note_load('later', 10, 12)")
    assert audit.verify_tables(["later"]).ok


def test_replaying_a_random_run_rebuilds_the_tables(live: Live) -> None:
    """Acts of the system and statements of the owner, some undone, over tables of all sorts."""
    chance = random.Random(20260101)
    made: list[int] = []
    for number in range(40):
        choice = chance.random()
        if choice < 0.3 or not made:
            made.append(records.create(Office, office(200 + number)).id)
        elif choice < 0.5:
            records.change(Office, chance.choice(made), {"city": chance.choice(["Luque", "Areguá", None])})
        elif choice < 0.6:
            with pytest.raises(ZeroDivisionError), act("office.change") as unit:
                unit.session.get(Office, chance.choice(made)).city = "no queda"
                unit.session.flush()
                _ = 1 / 0
        else:
            live.sql(
                chance.choice(
                    [
                        f"UPDATE office SET phone = '{number}', opened_on = '2020-02-29' WHERE id = {chance.choice(made)}",
                        "UPDATE ab_user SET last_name = last_name || 'x', password = md5(random()::text)",
                        f"INSERT INTO ab_view_menu (name) VALUES ('v{number}')",
                        "UPDATE ab_view_menu SET name = name || '!' WHERE name LIKE 'v%'",
                        "DELETE FROM ab_view_menu WHERE id = (SELECT max(id) FROM ab_view_menu WHERE name LIKE 'v%')",
                        "UPDATE installation SET clock_offset = clock_offset + interval '1 day 2 hours'",
                        "TRUNCATE account_recovery",
                    ]
                ).replace("%", "%%")
            )
    settle()
    assert audit.verify().ok
    report = audit.verify_tables()
    assert report.ok, report.sentences
    assert set(report.rows) >= {"office", "ab_user", "visit_interview", "procedure_move"}


# -- what the application's role may do


ASKED = {
    "about": "'a', 1",
    "details": "1, NULL, 5",
    "export": "1, 2",
    "find": "now(), now(), NULL, NULL, NULL, NULL, 5",
    "hash_at": "1",
    "one": "1, NULL",
    "head": "",
    "chain_head": "",
    "history": "'office', '{}'",
    "strangers": "",
    "verify": "1, 2",
    "compare": "'office'",
    "traced": "",
}


def test_the_application_reads_through_functions_alone(live: Live) -> None:
    allowed = {
        name
        for (name,) in live.sql(
            "SELECT DISTINCT proname::text FROM pg_proc WHERE pronamespace = 'audit'::regnamespace"
            " AND has_function_privilege('sis_app', oid, 'EXECUTE')"
        )
    }
    assert allowed == {*ASKED, "open_act", "note_readings", "seal"}
    for name, arguments in ASKED.items():
        live.sql(f"SELECT * FROM audit.{name}({arguments})", live.urls.app_url)
    for table in ("act", "change", "reading", "reserved", "seal", "sealing"):
        for statement in (
            "SELECT * FROM {0}",
            "DELETE FROM {0}",
            "INSERT INTO {0} DEFAULT VALUES",
            "UPDATE {0} SET {1} = {1}",
            "TRUNCATE {0}",
        ):
            column = {"seal": "seq", "sealing": "seq", "reserved": "salt", "act": "verb"}.get(
                table, "row_key"
            )
            with pytest.raises(DBAPIError) as refused:
                live.sql(statement.format(f"audit.{table}", column), live.urls.app_url)
            assert refused.value.orig.pgcode == "42501", statement
