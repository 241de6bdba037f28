"""Reading, repairing and judging the historical register, without a database."""

from __future__ import annotations

import csv
import io
import os
import random
import zipfile
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
import register_samples as samples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from register_samples import ACTIVITIES, INFRACTIONS

from app.core.types import fold
from app.core.types import fold as core_fold
from app.exchange.register import account, columns, ledger
from app.exchange.register.account import Account, ReportWriter, corrected, neutralise, restore
from app.exchange.register.catalogs import Catalogs
from app.exchange.register.cells.choices import read_choice
from app.exchange.register.cells.dates import read_date
from app.exchange.register.cells.identifiers import read_act, read_resolution, read_ruc
from app.exchange.register.cells.infractions import Infractions
from app.exchange.register.cells.numbers import read_amount, read_count
from app.exchange.register.cells.people import learn_inspectors, person_key, split_people
from app.exchange.register.cells.text import is_firm, read_name, read_text
from app.exchange.register.errors import RegisterError
from app.exchange.register.judge import as_values, judge
from app.exchange.register.ledger import Decision, Known, Ledger
from app.exchange.register.reading import Layout, detect, rows

TODAY = samples.TODAY
CATALOGS = samples.catalogs()
ROOT = Path(__file__).resolve().parent.parent
HEAD = list(samples.HEADERS["ministry"].values())


def run(
    data: bytes | Path, catalogs: Catalogs = CATALOGS, book: Ledger | None = None, **how
) -> list[Decision]:
    book = book or Ledger()
    layout = detect(data, **how)
    return [book.decide(judge(raw, catalogs, TODAY)) for raw in rows(data, layout)]


def totals(decisions: list[Decision]) -> Account:
    found = Account()
    for decision in decisions:
        found.add(decision)
    return found


def codes(cell) -> list[str]:
    return [repair.code for repair in cell.repairs]


def one(**changes: str) -> Decision:
    """Return the decision on one clean row with some cells changed."""
    cells, _ = samples._Maker(7, samples.HEADERS["ministry"]).base()
    cells.update(date="05/03/2014", act_number="1/2014", resolution_date="")
    cells.update(changes)
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows([HEAD, [cells[name] for name in samples.HEADERS["ministry"]]])
    return run(text.getvalue().encode())[0]


def causes(decision: Decision) -> set[str]:
    return {cause.code for cause in decision.causes}


# --- cells ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "code"),
    [
        ("80009735-1", "80009735-1", None),
        ("80009735", "80009735-1", "ruc_digit_computed"),
        ("80.009.735-1", "80009735-1", "ruc_format"),
        ("80.009.735", "80009735-1", "ruc_digit_computed"),
        (" 80009735 - 1 ", "80009735-1", "ruc_format"),
        ("80009735–1", "80009735-1", "ruc_format"),
        ("R.U.C. N° 80009735-1", "80009735-1", "ruc_format"),
        ("80009735/1", "80009735-1", "ruc_format"),
        ("80009735.0", "80009735-1", "ruc_digit_computed"),
        ("02660-3", "2660-3", "ruc_format"),
        ("999160-3", "999160-3", None),
    ],
)
def test_ruc_repaired(text, value, code):
    cell = read_ruc(text)
    assert str(cell.value) == value and cell.problem is None
    assert code in codes(cell) if code else not cell.repairs


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "missing_ruc"), ("  ", "missing_ruc"), ("s/d", "missing_ruc"), ("sin RUC", "missing_ruc"),
        ("0", "missing_ruc"), ("80053249-2", "wrong_ruc_digit"), ("4123456-7", "wrong_ruc_digit"),
        ("80123456789", "bad_ruc"), ("800097351", "bad_ruc"), ("12-3", "bad_ruc"), ("ABC", "bad_ruc"),
        ("80009735-X", "bad_ruc"), ("1-2-3", "bad_ruc"),
    ],
)  # fmt: skip
def test_ruc_refused(text, code):
    cell = read_ruc(text)
    assert cell.value is None and cell.problem is not None and cell.problem.code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("05/03/2014", "date_day_first"), ("5/3/2014", "date_day_first"), ("05.03.2014", "date_day_first"),
        ("05-03-14", "date_two_digit_year"), ("5/3/14", "date_two_digit_year"), ("2014-03-05", None),
        ("2014/03/05", None), ("41703", "date_serial"), ("41703.5", "date_serial"), ("41703,0", "date_serial"),
        ("5 de marzo de 2014", "date_words"), ("05 de MARZO del 2014", "date_words"), ("marzo 5, 2014", "date_words"),
        ("5-mar-14", "date_words"), ("5 mar. 2014", "date_words"), ("Miércoles, 5 de marzo de 2014", "date_words"),
        ("March 5, 2014", "date_words"), ("20140305", "date_compact"), ("2014-03-05 00:00:00", "date_time_dropped"),
        ("05/03/2014 10:30", "date_day_first"), ("2014-03-05T10:30:00Z", "date_time_dropped"),
    ],
)  # fmt: skip
def test_date_read(text, code):
    cell = read_date(text, "date")
    assert cell.value == date(2014, 3, 5), cell
    assert codes(cell) == ([code] if code else [])


def test_date_september_in_both_spellings():
    for word in ("setiembre", "septiembre", "set", "sep", "sept."):
        assert read_date(f"1 de {word} de 2016", "date").value == date(2016, 9, 1)
    assert read_date("1ro de setiembre de 2016", "date").value == date(2016, 9, 1)


@pytest.mark.parametrize(
    "text",
    ["31/02/2016", "15/13/2018", "00/00/0000", "29/02/2015", "2014", "ayer", "5 de marso", "30 de febrero de 2014",
     "03/2014", "1/2", "99999", "=HOY()", "12/25/2014", "05/03/201", "31 de abril de 2015", "99/99/9999"],
)  # fmt: skip
def test_date_refused(text):
    cell = read_date(text, "date")
    assert cell.value is None and cell.problem is not None and cell.problem.code == "impossible_date"


def test_date_month_first_is_refused_with_the_day_that_may_be_meant():
    problem = read_date("12/25/2014", "date").problem
    assert problem is not None and "25/12/2014" in problem.sentence


def test_date_future_old_missing():
    assert causes(one(date="29/08/2033", act_number="1/2013")) == {"future_date"}
    assert causes(one(date="29/08/1914", act_number="1/2013")) == {"date_too_old"}
    assert causes(one(date="s/f")) == {"missing_date"} == causes(one(date=""))
    assert causes(one(date="24/11/2026", act_number="1/2026")) == set()
    assert causes(one(date="25/11/2026", act_number="1/2026")) == {"future_date"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234567", 1234567), ("Gs. 1.234.567", 1234567), ("1.234.567,00", 1234567), ("1,234,567", 1234567),
        ("₲ 1.234.567", 1234567), ("1,234,567.00", 1234567), ("1 234 567", 1234567), ("1234567.0", 1234567),
        ("Gs 1.234.567.-", 1234567), ("1.234.567 Gs.", 1234567), ("G. 500.000", 500000), ("0", 0), ("GS.1.234", 1234),
        ("1.234.567.=", 1234567), ("PYG 12", 12),
    ],
)  # fmt: skip
def test_amount_read(text, value):
    cell = read_amount(text, "fine")
    assert cell.value == value and cell.problem is None
    assert bool(cell.repairs) == (not text.isdecimal())


@pytest.mark.parametrize(
    "text", ["10 jornales", "1.234,567", "1.5", "12.34", "1.234.56", "US$ 100", "Con infracción", "=1+1", "1,2,3",
             "9" * 20, "1.234.567,50", "2,5 millones"]
)  # fmt: skip
def test_amount_refused(text):
    problem = read_amount(text, "fine").problem
    assert problem is not None and problem.code == "bad_amount"


def test_amount_negative_and_nothing():
    for text in ("-500.000", "(500.000)", "−5"):
        problem = read_amount(text, "fine").problem
        assert problem is not None and problem.code == "negative_amount"
    for text in ("-", "sin multa", "n/a", ""):
        assert read_amount(text, "fine").value is None and read_amount(text, "fine").problem is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), ("12 trab.", 12), ("12 trabajadores", 12), ("12.0", 12), ("1.200", 1200), ("aprox. 12", 12),
     ("ninguno", 0), ("+12", 12), ("0012", 12), (" 12 ", 12), ("12 (doce)", 12)],
)  # fmt: skip
def test_count_read(text, value):
    assert read_count(text, "workers").value == value


@pytest.mark.parametrize(
    ("text", "code"),
    [("-57", "negative_count"), ("- 5", "negative_count"), ("−5", "negative_count"), ("12-15", "bad_count"),
     ("12,5", "bad_count"), ("doce o trece", "bad_count"), ("=1+1", "bad_count"), ("9999999", "bad_count")],
)  # fmt: skip
def test_count_refused(text, code):
    problem = read_count(text, "workers").problem
    assert problem is not None and problem.code == code


def test_counts_together():
    assert causes(one(workers="10", men="4", women="5")) == {"inconsistent_counts"}
    assert causes(one(workers="10", men="11", women="")) == {"inconsistent_counts"}
    assert causes(one(workers="-10", men="4", women="6")) == {"negative_count"}
    added = one(workers="", men="4", women="6")
    assert added.outcome == "imported" and added.judged.record.workers == 10
    assert "workers_added_up" in {repair.code for repair in added.judged.repairs}
    minors = one(workers="1", men="1", women="0", minors="2")
    assert minors.outcome == "imported" and "minors_above_total" in {n.code for n in minors.judged.warnings}


@pytest.mark.parametrize(
    ("text", "value"),
    [("12/2013", ("12", 2013)), ("Acta N° 12-13", ("12", 2013)), ("ACT 012/2013", ("12", 2013)), ("12", ("12", None)),
     ("ACT-INS-2013-00012", ("12", 2013)), ("2013/12345", ("12345", 2013)), ("12 / 13", ("12", 2013)),
     ("Nº 12 de 2013", ("12", 2013)), ("12-BIS/2013", ("12-BIS", 2013)), ("12/2013 bis", ("12-BIS", 2013)),
     ("2013-12-01", ("12", 2013)), ("dic-13", ("12", 2013)), ("2014/2013", ("2014", 2013)), ("12.0", ("12", None))],
)  # fmt: skip
def test_act_read(text, value):
    assert tuple(read_act(text).value or ()) == value


@pytest.mark.parametrize(("text", "code"), [("", "missing_act"), ("s/n", "missing_act"), ("ver carpeta", "bad_act"),
                                            ("12/2013/4/5", "bad_act"), ("0/2013", "bad_act"), ("=A1", "bad_act")])  # fmt: skip
def test_act_refused(text, code):
    problem = read_act(text).problem
    assert problem is not None and problem.code == code


def test_act_year_against_date():
    assert causes(one(act_number="1/2013")) == {"act_year_conflict"}
    alone = one(act_number="1")
    assert alone.outcome == "imported" and alone.judged.record.act_year == 2014
    assert "act_year_from_date" in {repair.code for repair in alone.judged.repairs}


def test_resolution_kept_as_text_when_unreadable():
    assert read_resolution("89/13").value == "89/2013"
    assert read_resolution("DGAJ s/ expte. 44").value == "DGAJ s/ expte. 44"


def test_names():
    assert read_name("CÁCERES VERA, JOSÉ ", "n").value == "Cáceres Vera, José"
    assert codes(read_name("CÁCERES VERA, JOSÉ ", "n")) == ["blanks", "capitals"]
    assert read_name("POSADA DEL ESTE S.A.C.I.", "n").value == "Posada del Este S.A.C.I."
    assert read_name("O'LEARY SRL", "n").value == "O'Leary SRL"
    assert read_name("Casa  Jejuí S.A.", "n").value == "Casa Jejuí S.A."
    assert (
        read_name("McDonald & Cía", "n") == read_name("McDonald & Cía", "n")
        and not read_name("McDo Cía", "n").repairs
    )
    assert read_name("-", "n").value == ""
    assert is_firm("Casa Jejuí S.A.") and is_firm("Posada SRL") and is_firm("Cooperativa Ñandutí")
    assert is_firm("Núñez, Óscar") is False and is_firm("Lo de Pepe") is None


def test_formula_cells_are_kept_to_the_letter():
    for text in ("=CMD|'/c calc'!A0", "+1+1", "@SUM(A1)", "-2+3", "\t=1", "  =1+1 "):
        cell = read_text(text, "remarks")
        assert cell.value == text and [notice.code for notice in cell.notices] == ["formula_text"]
    assert one(remarks="=1+1").outcome == "imported"
    assert read_count("-57", "men").problem.code == "negative_count"


@pytest.mark.parametrize(
    ("department", "district", "code"),
    [("CENTRAL", "Ita", 156), ("central ", "ITÁ", 156), ("A. Paraná", "Cdad. del Este", 145), ("Alto Parana", "CDE", 145),
     ("Pte Hayes", "Villa Hayes", 188), ("Pdte. Hayes", "Tte. Irala Fernandez", 261), ("Canendiyú", "Curuguaty", 197),
     ("Asunción", "Asunción", 1), ("Capital", "Asuncion (Distrito)", 1), ("Central", "J. A. Saldívar", 170),
     ("Cordillera", "Primero de Marzo", 38), ("Central", "Itaguá", 157), ("Alto Paraná", "Pdte Franco", 149),
     ("", "Mariano Roque Alonso", 160), ("Ñeembucú", "Villa Franca", 205), ("Dpto. Central", "San Lorenzo", 164)],
)  # fmt: skip
def test_places_found(department, district, code):
    decision = one(department=department, district=district)
    assert decision.outcome == "imported", decision.causes
    assert decision.judged.record.district == code
    assert decision.judged.record.department == samples.DISTRICTS[code][0]


@pytest.mark.parametrize(
    ("department", "district", "code"),
    [("Central", "Xx", "unknown_district"), ("Central", "Encarnación", "unknown_district"), ("Central", "", "missing_district"),
     ("Mato Grosso", "Ita", "unknown_department"), ("Alto", "Ita", "unknown_department"),
     ("Itapua", "San", "unknown_district"), ("Itapua", "San del Parana", "ambiguous_district"),
     ("Central", "Yta", "unknown_district"), ("Alto Para", "Fuerte Olimpo", "ambiguous_department")],
)  # fmt: skip
def test_places_refused(department, district, code):
    assert causes(one(department=department, district=district)) == {code}


def test_district_of_another_department_is_told():
    assert "Itapua" in one(department="Central", district="Encarnación").causes[0].sentence


def test_district_listed_twice_takes_the_first_code_and_says_so():
    decision = one(department="Neembucu", district="Villa Franca")
    assert {notice.code for notice in decision.judged.warnings} >= {"district_listed_twice"}


def test_inspectors_are_one_person_under_many_spellings():
    for text in ("OSCAR NUNEZ", "Núñez, Óscar", "nuñez oscar", "Insp. Óscar Núñez", "ÓSCAR  NÚÑEZ "):
        record = one(inspector_1=text, inspector_2="").judged.record
        assert [person.name for person in record.inspectors] == ["Óscar Núñez"], text
    both = one(inspector_1="Óscar Núñez", inspector_2="NUNEZ OSCAR").judged.record
    assert len(both.inspectors) == 1


@pytest.mark.parametrize("mark", [" / ", "; ", ", ", " y ", " - ", "\n", " & ", " e "])
def test_inspectors_in_one_cell_are_parted(mark):
    record = one(
        inspector_1=mark.join(["Óscar Núñez", "Liz Cáceres", "Hugo Ayala"]), inspector_2=""
    ).judged.record
    assert [person.name for person in record.inspectors] == ["Óscar Núñez", "Liz Cáceres", "Hugo Ayala"]


def test_inspectors_surname_first_pairs():
    assert split_people("Núñez, Óscar, Ayala, Hugo", lambda _: False) == ["Núñez, Óscar", "Ayala, Hugo"]


def test_inspectors_learned_from_a_file():
    found = learn_inspectors(["RAMON VERA", "Ramón Vera", "Vera, Ramón", "Ana Paz y RAMON VERA"])
    assert found == {person_key("Ramón Vera"): "Ramón Vera", "ana paz": "Ana Paz"}


INFRACTION_READER = Infractions(INFRACTIONS | {"Falta de permisos, vacaciones o sanciones": "REG-07"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Falta de EPP; Falta CIPA", ["SST-02", "SST-01"]), ("Falta de EPP / Falta CIPA", ["SST-02", "SST-01"]),
        ("Falta de EPP, Falta CIPA", ["SST-02", "SST-01"]), ("Falta de EPP | Falta CIPA", ["SST-02", "SST-01"]),
        ("FALTA DE EPP\nfalta cipa", ["SST-02", "SST-01"]), ("Falta de EPP - Falta CIPA", ["SST-02", "SST-01"]),
        ("Falta de EPP y Falta CIPA", ["SST-02", "SST-01"]), ("1) Falta de EPP 2) Falta CIPA", ["SST-02", "SST-01"]),
        ("- Falta de EPP\n- Falta CIPA", ["SST-02", "SST-01"]), ("• Falta EPP. • Falta CIPA.", ["SST-02", "SST-01"]),
        ("No exhibe libro de sueldos y jornales", ["REG-05"]), ("Falta de permisos, vacaciones o sanciones", ["REG-07"]),
        ("Falta CIPA, Falta de permisos, vacaciones o sanciones", ["SST-01", "REG-07"]), ("SAL-07", ["SAL-07"]),
        ("No exhibe libro de sueldos y jornales y Falta CIPA", ["REG-05", "SST-01"]),
        ("Falta de EPP; Falta de EPP", ["SST-02"]), ("Cocina sucia y fría; Falta CIPA", [None, "SST-01"]),
        ("", []), ("Ninguna", []), ("-", []),
    ],
)  # fmt: skip
def test_infractions(text, expected):
    cell = INFRACTION_READER.read(text, "infractions")
    assert [item.code for item in cell.value] == expected and cell.problem is None


def test_infraction_unknown_is_kept_listed_and_rejects_nothing():
    decision = one(infractions="Cocina sucia y fría; Falta CIPA", outcome="Con infracción")
    assert decision.outcome == "imported"
    assert [item.text for item in decision.judged.record.infractions] == ["Cocina sucia y fría", "Falta CIPA"]
    assert totals([decision]).unknown_infractions == {"Cocina sucia y fría": 1}


def test_choices():
    assert read_choice("PROGRAMADA", "cause").value == ("programada", "Programada")
    assert read_choice("Con infracciones", "outcome").value == ("con_infraccion", "Con infracción")
    assert read_choice("Sorteo", "cause").value == ("", "Sorteo")


def test_missing_ruc_waived_is_provisional():
    cells, _ = samples._Maker(3, samples.HEADERS["ministry"]).base()
    text = io.StringIO()
    csv.writer(text).writerows([HEAD, [(cells | {"ruc": ""})[name] for name in samples.HEADERS["ministry"]]])
    data = text.getvalue().encode()
    raw = next(rows(data, detect(data)))
    assert judge(raw, CATALOGS, TODAY).outcome == "quarantined"
    waived = judge(raw, CATALOGS, TODAY, waive={"missing_ruc"})
    assert waived.outcome == "ok" and waived.warnings[-1].code == "waived_missing_ruc"
    assert waived.record.establishment[0].startswith("?")


# --- columns and files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", samples.HEADERS)
def test_headers_of_every_wording_are_mapped(name):
    wanted = samples.HEADERS[name]
    found = columns.match(list(wanted.values()))
    assert {field: column.header for field, column in found.items()} == wanted


def test_header_matching_details():
    found = columns.match(["N° de orden", "Orden de Inspección N°", "Inspector", "Inspector", "Resolución", "Fecha", "Fecha",
                           "Teléfono", "SIS resultado"])  # fmt: skip
    assert {name: column.position for name, column in found.items()} == {
        "row_number": 0, "order_number": 1, "inspector_1": 2, "inspector_2": 3, "resolution_number": 4,
        "resolution_date": 5, "date": 6,
    }  # fmt: skip
    assert 7 not in {column.position for column in found.values()}


def test_mapping_is_overridden_and_wrong_wishes_refused():
    data = b"Fecha;Acta;RUC;Empresa;Cosa\n05/03/2014;1/2014;80009735-1;Uno;Dos\n"
    layout = detect(data, mapping={"trade_name": "Cosa", "employer_name": None, "remarks": 3})
    raw = next(rows(data, layout))
    assert (
        raw.cells["trade_name"] == "Dos"
        and "employer_name" not in raw.cells
        and raw.cells["remarks"] == "Uno"
    )
    for wish in ({"nada": 1}, {"ruc": "Otra"}, {"ruc": 40}):
        with pytest.raises(RegisterError):
            detect(data, mapping=wish)


def test_layout_survives_json():
    import json

    layout = detect(b"Fecha;Acta;RUC;Empresa;Cosa\n05/03/2014;1/2014;80009735-1;Uno;Dos\n")
    assert Layout.from_dict(json.loads(json.dumps(layout.as_dict()))) == layout
    assert layout.unmapped == ("Cosa",) and layout.missing == ("Distrito",)


SMALL = "Fecha;Acta N°;Empresa;RUC;Distrito;Año de habilitación\n05/03/2014;1/2014;Ñandutí S.A.;80009735-1;Itá;2013\n"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "cp850", "utf-16", "utf-16-le"]
)
def test_encodings(encoding):
    data = SMALL.encode(encoding)
    layout = detect(data)
    raw = next(rows(data, layout))
    assert raw.cells["employer_name"] == "Ñandutí S.A." and raw.extra == {"Año de habilitación": "2013"}


def test_encoding_mixed_by_several_hands():
    data = (SMALL * 20).encode() + "06/03/2014;2/2014;Peña;80009735-1;Itá;\n".encode("cp1252")
    assert detect(data).encoding == "utf-8"
    assert list(rows(data, detect(data)))[-1].cells["employer_name"] == "Peña"


def test_encoding_found_below_the_first_megabyte():
    data = (
        SMALL.encode("ascii", "ignore")
        + b"05/03/2014;1/2014;Uno;80009735-1;Ita;\n" * 40_000
        + SMALL.encode("cp1252")
    )
    assert detect(data).encoding == "cp1252"


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_separators(separator):
    data = SMALL.replace(";", separator).encode()
    assert detect(data).separator == separator
    assert detect(b"sep=" + separator.encode() + b"\n" + data).header_row == 2


def test_ragged_rows_repeated_headers_and_nul_bytes():
    data = (
        SMALL + "\n;;;;;\n06/03/2014;2/2014;Uno\n" + SMALL + "07/03/2014;3/2014;A;80009735-1;Ita;2;de más\n"
        "08/03/2014;4/2014;B\0;80009735-1;Ita;2;;;\n"
    ).encode()
    found = list(rows(data, detect(data)))
    assert [raw.line_number for raw in found] == list(range(2, 10))
    assert [judge(raw, CATALOGS, TODAY).outcome for raw in found[1:3]] == ["blank", "blank"]
    assert found[3].cells["ruc"] == ""
    assert found[4].repeated_header and judge(found[4], CATALOGS, TODAY).outcome == "blank"
    assert found[6].overflow and found[6].extra["(columna G)"] == "de más"
    assert "too_many_cells" in {cause.code for cause in judge(found[6], CATALOGS, TODAY).causes}


def test_rows_with_nul_and_empty_overflow_are_read():
    data = (SMALL + "08/03/2014;4/2014;B\0;80009735-1;Ita;2;;;\n").encode()
    last = list(rows(data, detect(data)))[-1]
    assert last.cells["employer_name"] == "B" and not last.overflow


def test_wrong_quoting_never_swallows_rows():
    body = [
        '05/03/2014;1/2014;"El Sol;80009735-1;Ita;1',  # never closed
        '06/03/2014;2/2014;Casa "Luna" S.A.;80009735-1;Ita;1',  # inside, literal
        '07/03/2014;3/2014;"Casa ""Luna"" S.A.";80009735-1;Ita;1',  # doubled, proper
        '08/03/2014;4/2014;"Casa "Mar" S.A.";80009735-1;Ita;1',  # not doubled
        '09/03/2014;5/2014;"dos\nlíneas";80009735-1;Ita;1',  # a proper line end inside
        '10/03/2014;6/2014;"Uno; dos";80009735-1;Ita;1',
        '12/03/2014;8/2014;"El Mar;80009735-1;Ita;"a; b"',  # never closed, a proper cell after it
        '11/03/2014;7/2014;Último;80009735-1;Ita;"1',
    ]
    data = ("Fecha;Acta N°;Empresa;RUC;Distrito;Nota\n" + "\n".join(body) + "\n").encode()
    found = list(rows(data, detect(data)))
    assert [raw.cells["employer_name"] for raw in found] == [
        '"El Sol', 'Casa "Luna" S.A.', 'Casa "Luna" S.A.', 'Casa "Mar" S.A.', "dos\nlíneas", "Uno; dos", '"El Mar', "Último",
    ]  # fmt: skip
    assert all(raw.cells["ruc"] == "80009735-1" for raw in found)


def test_title_rows_above_the_header():
    data = ("Ministerio;;;\nRegistro 2014;;;\n;;;\n" + SMALL).encode()
    layout = detect(data)
    assert layout.header_row == 4 and layout.titles == ("Ministerio", "Registro 2014")
    assert next(rows(data, layout)).line_number == 5


def test_header_given_by_a_person_when_there_is_none():
    data = b"05/03/2014;1/2014;Uno;80009735-1;Ita\n06/03/2014;2/2014;Dos;80009735-1;Ita\n"
    with pytest.raises(RegisterError) as caught:
        detect(data)
    assert caught.value.code == "no_header"
    layout = detect(
        data, header_row=0, mapping={"date": 0, "act_number": 1, "employer_name": 2, "ruc": 3, "district": 4}
    )
    assert [raw.cells["employer_name"] for raw in rows(data, layout)] == ["Uno", "Dos"]


def _zip(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def _bomb() -> bytes:
    return _zip({"xl/workbook.xml": b"<workbook/>", "xl/worksheets/sheet1.xml": b" " * 60_000_000})


def _encrypted_zip() -> bytes:
    data = bytearray(_zip({"xl/workbook.xml": b"<workbook/>"}))
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    return bytes(data)


def _entities() -> bytes:
    parts = _parts(samples.make(1, kind="xlsx", size=3).data)
    parts["xl/workbook.xml"] = b'<!DOCTYPE a [<!ENTITY b "c">]>' + parts["xl/workbook.xml"]
    return _zip(parts)


def _parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
FAULTS = {
    "empty": (b"", "empty"),
    "blank": (b"\xef\xbb\xbf\r\n \r\n;;\r\n", "empty"),
    "pdf": (b"%PDF-1.7 ...", "not_a_table"),
    "image": (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "not_a_table"),
    "html": (b"<html><table><tr><td>Fecha", "not_a_table"),
    "noise": (bytes(range(1, 32)) * 40, "not_a_table"),
    "endless line": (b"a;b;" * 600_000, "not_a_table"),
    "prose": (("Esto es una carta.\nNo es una tabla.\n" * 9).encode(), "unknown_separator"),
    "old excel": (OLE, "old_excel"),
    "password": (OLE + "EncryptedPackage".encode("utf-16-le"), "password_protected"),
    "zip with password": (_encrypted_zip(), "password_protected"),
    "cut": (samples.make(1, kind="xlsx", size=9).data[:-400], "damaged"),
    "other zip": (_zip({"word/document.xml": b"<a/>"}), "not_a_table"),
    "bomb": (_bomb(), "too_large"),
    "entities": (_entities(), "damaged"),
    "no sheets": (_zip({"xl/workbook.xml": b"<workbook/>", "xl/_rels/workbook.xml.rels": b"<r/>"}), "damaged"),
    "columns": ((";".join(["Fecha", "Acta", "RUC", "Empresa", *map(str, range(400))]) + "\n").encode(), "too_many_columns"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_files_that_are_no_register(name):
    data, code = FAULTS[name]
    with pytest.raises(RegisterError) as caught:
        detect(data)
    assert caught.value.code == code and caught.value.message.endswith(".")


def test_missing_file_is_told():
    with pytest.raises(RegisterError) as caught:
        detect(ROOT / "no-existe.csv")
    assert caught.value.code == "unreadable"


def test_workbook_cells(tmp_path):
    from datetime import datetime

    from openpyxl import Workbook

    book = Workbook()
    notes = book.active
    notes.title = "Notas"
    notes.append(["Cuadro resumen"])
    hidden = book.create_sheet("Vieja")
    hidden.append(["Fecha", "Acta N°", "Empresa", "RUC", "Distrito", "Obs"])
    hidden.sheet_state = "hidden"
    sheet = book.create_sheet("2014")
    sheet.append(["REGISTRO"])
    sheet.merge_cells("A1:F1")
    sheet.row_dimensions[1].hidden = True
    sheet.append(["Fecha", "Acta N°", "Empresa", "RUC", "Distrito", "Cant. trabajadores", "Obs"])
    sheet.append([datetime(2014, 3, 5), datetime(2014, 12, 1), "Uno", 80009735, "Itá", 14.0, "=1+1"])
    sheet.append([41703, "2/2014", "Dos", 80009735.0, "Itá", "1.0", True])
    sheet["B3"].number_format = "mmm-yy"
    path = tmp_path / "libro.xlsx"
    book.save(path)
    layout = detect(path)
    assert (layout.sheet, layout.header_row, layout.titles) == ("2014", 2, ("REGISTRO",))
    first, second = rows(path, layout)
    assert first.cells["date"] == "2014-03-05" and second.cells["date"] == "41703"
    assert first.cells["ruc"] == "80009735" == second.cells["ruc"]
    assert first.cells["workers"] == "14" and second.cells["workers"] == "1.0"
    assert first.cells["remarks"] == "=1+1", "a formula is text, never evaluated"
    assert second.cells["remarks"] == "VERDADERO"
    judged = judge(first, CATALOGS, TODAY)
    assert (judged.record.act_number, judged.record.act_year) == ("12", 2014)
    with pytest.raises(RegisterError):
        detect(path, sheet="Otra")


def test_workbook_of_1904_and_stored_results():
    parts = _parts(samples.make(1, kind="xlsx", size=3).data)
    head = "".join(
        f'<c t="inlineStr"><is><t>{name}</t></is></c>'
        for name in ("Fecha", "Acta", "RUC", "Empresa", "Total")
    )
    parts["xl/styles.xml"] = (
        b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b'<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
    )
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(
        b"<workbookPr", b'<workbookPr date1904="1"', 1
    )
    parts["xl/worksheets/sheet1.xml"] = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f'<row r="1">{head}</row><row r="4"><c r="A4" s="1"><v>40241</v></c><c r="E4"><f>2+3</f><v>5</v></c></row>'
        "</sheetData></worksheet>"
    ).encode()
    data = _zip(parts)
    found = list(rows(data, detect(data)))
    assert [raw.line_number for raw in found] == [2, 3, 4], "empty rows between rows are counted"
    assert found[-1].cells["date"] == "2014-03-05" and found[-1].cells["workers"] == "5"


# --- whole registers --------------------------------------------------------------------------------------

SHAPES = [
    dict(headers="ministry", encoding="cp1252", separator=";"),
    dict(headers="regional", encoding="utf-8-sig", separator=",", titles=3, shuffled=True),
    dict(headers="short", encoding="utf-8", separator="\t", shuffled=True),
    dict(headers="regional", encoding="latin-1", separator="|", titles=1),
    dict(headers="ministry", encoding="utf-16", separator="\t", titles=2, shuffled=True),
    dict(headers="ministry", kind="xlsx", titles=3, shuffled=True),
    dict(headers="regional", kind="xlsx"),
    dict(headers="short", kind="xlsx", titles=2),
]  # fmt: skip


@pytest.mark.parametrize("shape", range(len(SHAPES)))
@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_generated_register_has_the_planned_outcome(shape, seed):
    sample = samples.make(seed * 100 + shape, **SHAPES[shape])
    decisions = run(sample.data)
    assert len(decisions) == len(sample.planned)
    for number, (decision, plan) in enumerate(zip(decisions, sample.planned, strict=True)):
        told = (number, decision.judged.raw.cells, decision.causes)
        assert decision.outcome == plan.outcome, told
        assert causes(decision) == plan.causes, told
        if plan.outcome == "imported":
            _check_values(decision, plan, sample.headers)
            done = {repair.code for repair in decision.judged.repairs}
            assert (
                plan.repairs <= done | {"count_text"}
                if "xlsx" in str(SHAPES[shape])
                else plan.repairs <= done
            ), told


def _check_values(decision: Decision, plan: samples.Planned, headers: dict[str, str]) -> None:
    record = decision.judged.record
    for name, value in plan.values.items():
        if name == "codes":
            assert {item.code for item in record.infractions} == set(value), decision.judged.raw.cells
        elif name == "inspectors":
            assert {person.key for person in record.inspectors} == set(value), decision.judged.raw.cells
        elif name in headers:
            assert getattr(record, name) == value, (name, decision.judged.raw.cells)


@pytest.mark.parametrize("seed", range(5))
def test_second_import_changes_nothing(seed):
    sample = samples.make(seed)
    first = run(sample.data)
    known = {
        ledger.act_key(d.judged.record): Known(d.content, "lote 1") for d in first if d.outcome == "imported"
    }
    waiting = {d.fingerprint for d in first if d.outcome == "quarantined"}
    again = run(sample.data, book=Ledger(known, waiting))
    assert {d.outcome for d in again} <= {"duplicate", "blank"}
    assert totals(again).blank == totals(first).blank and totals(again).rows == totals(first).rows


def test_conflict_lists_the_differences_and_own_inspections_are_flagged():
    first = one()
    act = ledger.act_key(first.judged.record)
    assert act is not None
    row = first.judged
    book = Ledger({act: Known(first.content.replace("avenida", "calle"), "lote 1")})
    conflict = book.decide(row)
    assert causes(conflict) == {"conflict"} and "Dirección" in conflict.causes[0].sentence
    kept = Known("", "lote 1", fingerprint=first.fingerprint)
    assert Ledger({act: kept}).decide(row).outcome == "duplicate"
    flagged = Ledger({act: Known("", "ACT-INS-2014-000001", "sis")}).decide(row)
    assert flagged.outcome == "imported" and flagged.judged.warnings[-1].code == "matches_own_inspection"


def test_quarantined_row_does_not_block_its_corrected_twin():
    sample = samples.make(5, size=1)
    raw = next(rows(sample.data, detect(sample.data)))
    broken = raw._replace(cells=raw.cells | {"ruc": ""})
    whole = raw._replace(
        cells=raw.cells | {"ruc": "80009735-1", "date": "05/03/2014", "act_number": "1/2014"}
    )
    book = Ledger()
    outcomes = [book.decide(judge(row, CATALOGS, TODAY)).outcome for row in (broken, broken, whole, whole)]
    assert outcomes[:2] == ["quarantined", "duplicate"]


@pytest.mark.parametrize("separator", [";", ","])
def test_report_repeats_rows_and_corrected_report_gives_only_changed_rows(separator):
    sample = samples.make(24, headers="ministry")
    layout = detect(sample.data)
    decisions = run(sample.data)
    stream = io.StringIO(newline="")
    writer = ReportWriter(stream, layout, separator)
    for decision in decisions:
        writer.write(decision)
    report = stream.getvalue().encode()
    assert report.startswith(b"\xef\xbb\xbf")
    table = list(
        csv.reader(io.StringIO(stream.getvalue().removeprefix("\ufeff"), newline=""), delimiter=separator)
    )
    assert len(table) == len(decisions) + 1
    assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for row in table for cell in row)
    for row, decision in zip(table[1:], decisions, strict=True):
        assert tuple(map(restore, row[: len(layout.headers)])) == decision.judged.raw.values
    assert list(corrected(report)) == []
    at = next(i for i, d in enumerate(decisions) if "missing_ruc" in causes(d))
    column = layout.columns["ruc"].position
    table[at + 1][column] = "80009735-1"
    edited = io.StringIO(newline="")
    csv.writer(edited, delimiter=";").writerows(table)
    changed = list(corrected(edited.getvalue().encode("utf-8-sig")))
    assert [row.line_number for row in changed] == [decisions[at].judged.raw.line_number]
    assert judge(changed[0].raw, CATALOGS, TODAY).outcome == "ok"
    with pytest.raises(RegisterError):
        list(corrected(sample.data))


def test_report_shows_cells_beyond_the_headers():
    data = (SMALL + "07/03/2014;3/2014;A;80009735-1;Ita;2;de más\n").encode()
    layout = detect(data)
    stream = io.StringIO(newline="")
    writer = ReportWriter(stream, layout)
    for decision in run(data):
        writer.write(decision)
    assert "de más" in stream.getvalue() and "too_many_cells" in stream.getvalue()
    assert list(corrected(stream.getvalue().encode())) == []


def test_cell_too_long_is_quarantined_and_prose_is_not_cut():
    assert causes(one(employer_name="a" * 3000)) == {"cell_too_long"}
    assert len(one(remarks="b" * 9000).judged.record.remarks) == 9000


def test_as_values_is_plain():
    import json

    for decision in run(samples.make(2).data):
        if decision.judged.record:
            json.dumps(as_values(decision.judged.record))


# --- the ministry's own file ------------------------------------------------------------------------------


def _real_file(name: str, variable: str) -> Path:
    path = Path(os.environ.get(variable) or ROOT.parent / "shared" / "data" / name)
    if not path.is_file():
        pytest.skip(f"{name} is not here: set {variable} to its path")
    return path


def _real_catalogs() -> Catalogs:
    path = ROOT / "app" / "seeds" / "territories.csv"
    path = path if path.is_file() else _real_file("territories.csv", "SIS_TERRITORIES")
    departments, districts = {}, {}
    with open(path, encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            departments[int(row["department_code"])] = row["department_name"]
            districts[int(row["district_code"])] = (int(row["department_code"]), row["district_name"])
    return Catalogs(departments, districts, infraction_aliases=INFRACTIONS, activities=ACTIVITIES)


def test_real_register_adds_up():
    """The figures were counted apart, by a script that shares no code with the import."""
    found = totals(run(_real_file("historical_register.csv", "SIS_REGISTER"), _real_catalogs()))
    assert found.as_dict() == {
        "rows": 6978,
        "imported": 6670,
        "duplicate": 62,
        "quarantined": 230,
        "blank": 16,
    }
    assert found.causes == {
        "duplicate": 62, "wrong_ruc_digit": 112, "missing_ruc": 36, "negative_count": 30, "impossible_date": 21,
        "missing_date": 10, "future_date": 15, "unknown_district": 11,
    }  # fmt: skip
    assert found.warnings == {"formula_text": 287, "district_listed_twice": 43, "minors_above_total": 26}
    assert not found.unknown_infractions


def test_real_register_written_in_other_forms_gives_the_same(tmp_path):
    path = _real_file("historical_register.csv", "SIS_REGISTER")
    text = path.read_bytes().decode("cp1252")
    table = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))[:1500]
    order = list(range(len(table[0])))
    random.Random(1).shuffle(order)
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=",").writerows([[row[i] for i in order] for row in table])
    head = "\r\n".join(text.split("\r\n")[: 1 + sum(1 for _ in table)])
    catalogs = _real_catalogs()
    straight = run(head.encode("cp1252"), catalogs)[: len(table) - 1]
    other = run(("Registro de inspecciones\r\n\r\n" + stream.getvalue()).encode(), catalogs)
    assert [d.outcome for d in other] == [d.outcome for d in straight]
    assert [d.content for d in other] == [d.content for d in straight]


def test_real_register_has_one_name_for_each_inspector():
    path = _real_file("historical_register.csv", "SIS_REGISTER")
    found = learn_inspectors(
        raw.cells[name] for raw in rows(path, detect(path)) for name in ("inspector_1", "inspector_2")
    )
    assert len(found) == 23 and "Óscar Núñez" in found.values()


# --- any text at all --------------------------------------------------------------------------------------

ANY = st.text(max_size=40) | st.text(alphabet="0123456789-/., GgsRUCaáñ°'\"=+\t\n", max_size=25)
FAST = settings(max_examples=300, deadline=None)
DAYS = st.dates(date(1990, 1, 1), date(2026, 11, 24))


@FAST
@given(ANY)
def test_no_cell_reader_ever_fails(text):
    for read in (
        read_date,
        read_amount,
        read_count,
        read_text,
        read_name,
        read_choice,
        read_ruc,
        read_act,
        read_resolution,
    ):
        cell = read(text, "date")
        assert cell.problem is None or (cell.value is None and cell.problem.sentence)
    CATALOGS.places.department(text)
    CATALOGS.places.district(text, 12)
    CATALOGS.places.district(text, None)
    CATALOGS.people.read(text, "inspector_1")
    assert CATALOGS.infractions.read(text, "infractions").problem is None


@FAST
@given(DAYS)
def test_every_way_of_writing_a_day_is_that_day(day):
    ways = [
        f"{day:%d/%m/%Y}", f"{day:%d-%m-%Y}", f"{day:%Y-%m-%d}", f"{day.day}.{day.month}.{day.year}", f"{day:%d-%m-%y}",
        str((day - date(1899, 12, 30)).days), samples._in_words(day), samples._in_words(day).upper(),
    ]  # fmt: skip
    assert {read_date(way, "date").value for way in ways} == {day}


@FAST
@given(st.integers(0, 10**12))
def test_every_way_of_writing_an_amount_is_that_amount(amount):
    dotted = f"{amount:,}".replace(",", ".")
    ways = [
        str(amount),
        dotted,
        f"Gs. {dotted}",
        f"₲{dotted}",
        f"{dotted},00",
        f"{amount:,}",
        f"{amount:,}.00",
        f"{amount}.0",
    ]
    assert {read_amount(way, "fine").value for way in ways} == {amount}


@FAST
@given(st.integers(100, 99_999_999), st.integers(0, 9))
def test_ruc_has_one_right_digit(base, digit):
    right = samples.ruc_of(base)
    assert str(read_ruc(str(base)).value) == right == str(read_ruc(right).value)
    other = read_ruc(f"{base}-{digit}")
    assert (other.value is not None) == (f"{base}-{digit}" == right)


@FAST
@given(ANY)
def test_fold_is_that_of_the_core(text):
    assert fold(text) == core_fold(text)


@FAST
@given(ANY | st.text(alphabet="'=+-@\t\r 1.", max_size=6))
def test_neutralised_cells_come_back(text):
    safe = neutralise(text)
    assert restore(safe) == text
    assert not safe.startswith(("=", "+", "@", "\t", "\r"))
    if safe.startswith("-"):
        assert safe[1:].replace(".", "").replace(",", "").isdigit()


@FAST
@given(ANY)
def test_cleaning_twice_is_cleaning_once(text):
    name = read_name(text, "employer_name").value
    if name and not account.neutralise(name).startswith("'"):
        assert read_name(name, "employer_name").value == name


SLOW = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def _only_register_errors(data: bytes) -> None:
    try:
        layout = detect(data)
        book = Ledger()
        for raw in rows(data, layout):
            book.decide(judge(raw, CATALOGS, TODAY))
    except RegisterError as error:
        assert error.message


@SLOW
@given(st.binary(max_size=400))
def test_random_bytes_give_register_errors_only(data):
    _only_register_errors(data)
    _only_register_errors(SMALL.encode() + data)
    _only_register_errors(b"PK\x03\x04" + data)


@SLOW
@given(st.sampled_from([0, 5]), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=12))
def test_registers_with_bytes_changed_give_register_errors_only(shape, changes):
    data = bytearray(_sample_of(shape))
    for place, value in changes:
        data[place % len(data)] = value
    _only_register_errors(bytes(data))


@SLOW
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8), st.integers(0, 9)
)
def test_workbooks_with_parts_changed_give_register_errors_only(changes, which):
    parts = _parts(_sample_of(5))
    name = sorted(parts)[which % len(parts)]
    part = bytearray(parts[name])
    for place, value in changes:
        part[place % len(part)] = value
    parts[name] = bytes(part)
    _only_register_errors(_zip(parts))


_SAMPLES: dict[int, bytes] = {}


def _sample_of(shape: int) -> bytes:
    if shape not in _SAMPLES:
        _SAMPLES[shape] = samples.make(1, size=12, **SHAPES[shape]).data
    return _SAMPLES[shape]


@FAST
@given(st.lists(st.sampled_from(["a", '"', ";", "\n", "b", '""', ' "']), max_size=30))
def test_quoting_loses_no_letter(pieces):
    from app.exchange.register import csvtext

    text = "".join(pieces)
    found = list(csvtext.records(text.split("\n"), ";", 3))
    assert Counter(c for row in found for cell in row for c in cell if c in "ab") == Counter(
        c for c in text if c in "ab"
    )


def test_wide_range_of_days_is_sound():
    day, end = date(2013, 1, 1), date(2021, 12, 31)
    while day <= end:
        assert read_date(f"{day:%d/%m/%Y}", "date").value == day
        day += timedelta(17)
