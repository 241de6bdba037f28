"""A generator of registers as many hands type them: other headers, order, encodings, separators, workbooks.

`make(seed, ...)` gives the file and, for every row, the outcome and cause that it was built to have and the
values that a right reading finds. Everything is made up.
"""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from openpyxl import Workbook
from stdnum.py import ruc as stdnum_ruc

from app.exchange.register.catalogs import Catalogs
from app.exchange.register.cells.people import person_key

TODAY = date(2026, 11, 24)
SEEDS = Path(__file__).resolve().parent.parent / "app" / "seeds"


def seeded(name: str) -> dict[str, str]:
    """Alias -> code, as the shipped table has them (texts without an honest match left out)."""
    rows = yaml.safe_load((SEEDS / name).read_text(encoding="utf-8"))["rows"]
    return {row["alias"]: row["code"] for row in rows if row["code"]}


INFRACTIONS = seeded("infraction_aliases.yaml")
ACTIVITIES = seeded("activity_aliases.yaml")
DEPARTMENTS = {1: "Capital", 4: "Cordillera", 11: "Alto Parana", 12: "Central", 15: "Pte. Hayes", 17: "Alto Paraguay",
               18: "Canindeyu", 13: "Neembucu", 8: "Itapua"}  # fmt: skip
DISTRICTS = {
    1: (1, "Asuncion (Distrito)"), 26: (4, "Caacupe"), 28: (4, "Arroyos y Esteros"), 38: (4, "1Ro.De Marzo"),
    34: (4, "Itacurubi de la Cordillera"), 145: (11, "Ciudad del Este"), 146: (11, "Juan Leon Mallorquin"),
    148: (11, "Juan E.O'Leary"), 149: (11, "Presidente Franco"), 154: (12, "Fernando de la Mora"), 156: (12, "Ita"),
    157: (12, "Itaugua"), 160: (12, "Mariano Roque Alonso"), 164: (12, "San Lorenzo"), 163: (12, "San Antonio"),
    170: (12, "J.Augusto Saldivar"), 188: (15, "Villa Hayes"), 261: (15, "Tte. 1Ro. Irala Fernandez"),
    195: (17, "Fuerte Olimpo"), 197: (18, "San Isidro del Curuguaty"), 207: (18, "Salto del Guaira"),
    205: (13, "Villa Franca"), 230: (13, "Villa Franca"), 171: (13, "Pilar"), 87: (8, "Encarnacion"),
    110: (8, "San Juan del Parana"), 101: (8, "San Pedro del Parana"), 94: (8, "Fram"),
}  # fmt: skip
SPELLINGS = {
    1: ["Asunción", "Capital", "ASUNCION "], 11: ["A. Paraná", "ALTO PARANÁ", "Alto Parana"], 12: ["CENTRAL", "central"],
    15: ["Pdte. Hayes", "Presidente Hayes", "Pte Hayes"], 18: ["Canendiyú", "Canindeyú"], 13: ["Ñeembucú", "Neembucú"],
}  # fmt: skip
DISTRICT_SPELLINGS = {
    154: ["Fdo. de la Mora", "FERNANDO DE LA MORA"], 170: ["Julián Augusto Saldívar", "J. A. Saldivar"],
    197: ["Curuguaty", "San Isidro de Curuguaty"], 146: ["Mallorquín", "J. L. Mallorquín"], 148: ["Juan E. O’Leary"],
    149: ["Pdte. Franco"], 145: ["CDE", "Cdad. del Este"], 38: ["Primero de Marzo", "1ro de marzo"],
    160: ["Mariano Roque Alonzo", "M. R. Alonso"], 1: ["Asunción"], 261: ["Teniente Irala Fernández"],
}  # fmt: skip
INSPECTORS = [
    "Óscar Núñez",
    "Fátima Fernández",
    "Hugo Ayala",
    "Liz Cáceres",
    "Ángel González",
    "Blanca Benítez",
]
MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "setiembre", "octubre", "noviembre",
    "diciembre",
)  # fmt: skip

HEADERS = {
    "ministry": dict(
        row_number="N°", date="Fecha inspección", order_number="Orden N°", act_number="Acta N°",
        employer_name="Empresa / Razón social", trade_name="Nombre de fantasía", ruc="RUC", department="Departamento",
        district="Distrito", address="Dirección", activity="Rama de actividad", workers="Cant. trabajadores",
        men="Varones", women="Mujeres", minors="Menores", inspector_1="Inspector 1", inspector_2="Inspector 2",
        cause="Motivo", infractions="Infracciones constatadas", outcome="Resultado", fine="Multa (Gs.)",
        resolution_number="Resolución N°", resolution_date="Fecha resolución", remarks="Observaciones",
    ),
    "regional": dict(
        row_number="Ítem", date="FECHA DE LA VISITA", order_number="Nro. de Orden de Inspección", act_number="Nº DE ACTA",
        employer_name="Empleador", trade_name="Nombre comercial", ruc="R.U.C.", department="Dpto.", district="Ciudad",
        address="Domicilio", activity="Rubro", workers="Total Trab.", men="H", women="M", minors="Menores de edad",
        inspector_1="Inspectores intervinientes", cause="Tipo de inspección", infractions="Incumplimientos detectados",
        outcome="Resultado de la inspección", fine="Monto de la multa", resolution_number="Res. Nº",
        resolution_date="Fecha Res.", remarks="Obs.",
    ),
    "short": dict(
        date="Fecha", act_number="Acta", employer_name="Razon Social", ruc="Ruc", department="Departamento",
        district="Localidad", address="Ubicacion", workers="Personal", men="Hombres", women="Mujeres",
        inspector_1="Fiscalizador", infractions="Faltas", outcome="Resultado", fine="Multa", remarks="Comentarios",
    ),
}  # fmt: skip


def catalogs(**more: Any) -> Catalogs:
    """Return catalogues for the generator's little country."""
    return Catalogs(
        DEPARTMENTS, DISTRICTS, infraction_aliases=INFRACTIONS, activities=ACTIVITIES,
        inspectors={person_key(name): name for name in INSPECTORS}, **more,
    )  # fmt: skip


@dataclass
class Planned:
    """What a row was built to be: its outcome, the codes of its causes, and values that a right reading finds."""

    outcome: str
    causes: frozenset[str] = frozenset()
    repairs: frozenset[str] = frozenset()
    values: dict[str, Any] = field(default_factory=dict)


@dataclass
class Sample:
    """A register as a file with the plan of its rows, in order."""

    data: bytes
    planned: list[Planned]
    headers: dict[str, str]
    first_row: int


def ruc_of(base: int) -> str:
    return f"{base}-{stdnum_ruc.calc_check_digit(str(base))}"


class _Maker:
    def __init__(self, seed: int, headers: dict[str, str]) -> None:
        self.r = random.Random(seed)
        self.headers = headers
        self.next_act = 1
        self.clean: list[tuple[dict[str, str], dict[str, Any]]] = []

    def base(self) -> tuple[dict[str, str], dict[str, Any]]:
        """Return a clean row as cells and as values."""
        r = self.r
        day = date(2013, 1, 1) + timedelta(r.randrange(3000))
        district = r.choice(sorted(set(DISTRICTS) - {230}))
        men, women = r.randrange(60), r.randrange(60)
        number = self.next_act
        self.next_act += 1
        base = r.randrange(80_000_000, 80_199_999) if r.random() < 0.6 else r.randrange(400_000, 6_999_999)
        firm = base >= 80_000_000
        name = f"Comercial Ñandutí {number} S.R.L." if firm else f"Núñez Ortiz, Óscar {'ABCDEF'[number % 6]}"
        codes = r.sample(sorted(set(INFRACTIONS.values()) - {"SST-02", "SST-04"}), r.randrange(4))
        texts = [next(text for text, code in INFRACTIONS.items() if code == wanted) for wanted in codes]
        people = r.sample(INSPECTORS, r.choice([1, 1, 2]))
        fine = r.randrange(500_000, 20_000_000) if codes and r.random() < 0.6 else None
        fined = day + timedelta(r.randrange(20, 200))
        values = dict(
            date=day, act_number=str(number), act_year=day.year, ruc_base=str(base), district=district, workers=men + women,
            men=men, women=women, minors=0, fine=fine, inspectors=[person_key(name) for name in people], codes=codes,
            resolution_date=fined if fine else None,
        )  # fmt: skip
        cells = dict(
            row_number=str(number), date=f"{day:%d/%m/%Y}", order_number=f"OI-{day.year}-{number:05}",
            act_number=f"{number}/{day.year}", employer_name=name, trade_name="", ruc=ruc_of(base),
            department=DEPARTMENTS[DISTRICTS[district][0]], district=DISTRICTS[district][1],
            address=f"Avda. Mburucuyá {r.randrange(100, 4000)}", activity="Construcción", workers=str(men + women),
            men=str(men), women=str(women), minors="0", inspector_1=people[0], inspector_2="".join(people[1:]),
            cause="De oficio", infractions="; ".join(texts), outcome="Con infracción" if texts else "Sin infracción",
            fine="" if fine is None else str(fine), resolution_number=f"{number}/{fined.year}" if fine else "",
            resolution_date=f"{fined:%d/%m/%Y}" if fine else "", remarks=r.choice(["", "Línea 1\nLínea 2", 'Dijo "no"']),
        )  # fmt: skip
        if "inspector_2" not in self.headers:
            cells["inspector_1"] = r.choice(["; ", " / ", " y ", ", "]).join(people)
        return cells, values

    def repaired(self) -> tuple[dict[str, str], Planned]:
        """Return a row with dirt that is repaired."""
        cells, values = self.base()
        repairs = set()
        for repair in self.r.sample(_REPAIRS, self.r.randrange(1, 5)):
            if code := repair(self.r, cells, values):
                repairs.add(code)
        self.clean.append((cells, values))
        return cells, Planned("imported", frozenset(), frozenset(repairs), values)

    def broken(self) -> tuple[dict[str, str], Planned]:
        """Return a row that must go to quarantine, and why."""
        cells, values = self.base()
        code, changes = self.r.choice(_PROBLEMS)
        cells.update(changes)
        if code == "act_year_conflict":
            cells["act_number"] = f"{values['act_number']}/{values['act_year'] + 1}"
        elif code == "inconsistent_counts":
            cells["workers"] = str(values["workers"] + 1)
        elif code == "wrong_ruc_digit":
            right = ruc_of(int(values["ruc_base"]))
            cells["ruc"] = f"{right[:-1]}{(int(right[-1]) + 1) % 10}"
        return cells, Planned("quarantined", frozenset([code]))

    def repeated(self) -> tuple[dict[str, str], Planned]:
        """Return an imported row again: as it was, or written in another way, or with another content."""
        cells, values = (dict(part) for part in self.r.choice(self.clean))
        way = self.r.randrange(3)
        if way == 0:
            return cells, Planned("duplicate", frozenset(["duplicate"]))
        if way == 1:
            cells["date"] = _in_words(values["date"])
            cells["ruc"] = values["ruc_base"]
            cells["employer_name"] = cells["employer_name"].upper() + " "
            cells["row_number"] = "9999"
            return cells, Planned("duplicate", frozenset(["duplicate"]))
        cells["remarks"] = f"Otro contenido {self.r.random()}"
        cells["workers"], cells["men"], cells["women"] = "501", "500", "1"
        return cells, Planned("quarantined", frozenset(["conflict"]))


def _in_words(day: date) -> str:
    return f"{day.day} de {MONTHS[day.month - 1]} de {day.year}"


def _date(r: random.Random, cells: dict[str, str], values: dict[str, Any]) -> str:
    day = values["date"]
    code, text = r.choice([
        ("date_two_digit_year", f"{day:%d-%m-%y}"), ("date_serial", str((day - date(1899, 12, 30)).days)),
        ("date_words", _in_words(day)), ("", f"{day:%Y-%m-%d}"), ("date_day_first", f"{day:%d.%m.%Y}"),
        ("date_words", f"{MONTHS[day.month - 1].capitalize()} {day.day}, {day.year}"),
        ("date_words", f"{day.day}-{MONTHS[day.month - 1][:3]}-{day:%y}"),
        ("date_day_first", f"{day.day}/{day.month}/{day.year} 00:00"),
    ])  # fmt: skip
    cells["date"] = text
    return code


def _ruc(r: random.Random, cells: dict[str, str], values: dict[str, Any]) -> str:
    base, full = int(values["ruc_base"]), ruc_of(int(values["ruc_base"]))
    dotted = f"{base:,}".replace(",", ".")
    code, text = r.choice([
        ("ruc_digit_computed", str(base)), ("ruc_format", f"{dotted}-{full[-1]}"), ("ruc_format", f" {full} "),
        ("ruc_format", f"RUC: {full}"), ("ruc_digit_computed", dotted), ("ruc_format", full.replace("-", " – ")),
        ("ruc_digit_computed", f"{base}.0"),
    ])  # fmt: skip
    cells["ruc"] = text
    return code


def _fine(r: random.Random, cells: dict[str, str], values: dict[str, Any]) -> str:
    if values["fine"] is None:
        return ""
    dotted = f"{values['fine']:,}".replace(",", ".")
    cells["fine"] = r.choice([f"Gs. {dotted}", dotted, f"{dotted},00", f"{values['fine']:,}", f"₲ {dotted}",
                              f"{values['fine']}.0", f"{dotted}.-", f"Gs {dotted}"])  # fmt: skip
    return "amount_format"


def _place(r: random.Random, cells: dict[str, str], values: dict[str, Any]) -> str:
    district = values["district"]
    department = DISTRICTS[district][0]
    cells["department"] = r.choice(SPELLINGS.get(department, [cells["department"].upper()]))
    cells["district"] = r.choice(DISTRICT_SPELLINGS.get(district, [cells["district"].upper()]))
    return ""


def _act(r: random.Random, cells: dict[str, str], values: dict[str, Any]) -> str:
    number, year = int(values["act_number"]), values["act_year"]
    code, text = r.choice([
        ("act_format", f"Acta N° {number}-{year % 100:02}"), ("act_format", f"ACT {number:05}/{year}"),
        ("act_format", f"ACT-INS-{year}-{number:05}"), ("act_format", f"{number} / {year}"),
        ("act_year_from_date", f"{number}"), ("act_format", f"{number} de {year}"),
    ])  # fmt: skip
    cells["act_number"] = text
    return code


def _names(r: random.Random, cells: dict[str, str], values: dict[str, Any]) -> str:
    cells["employer_name"] = f"  {cells['employer_name'].upper()}  "
    return "capitals"


def _inspectors(r: random.Random, cells: dict[str, str], values: dict[str, Any]) -> str:
    for name in ("inspector_1", "inspector_2"):
        cells[name] = cells[name].upper().translate(str.maketrans("ÁÉÍÓÚÑ", "AEIOUN"))
    if " " in cells["inspector_1"] and len(cells["inspector_1"].split()) == 2:
        given, surname = cells["inspector_1"].split()
        cells["inspector_1"] = r.choice(
            [f"{surname}, {given}", f"{surname} {given}", f"Insp. {given} {surname}"]
        )
    return ""


def _infractions(r: random.Random, cells: dict[str, str], values: dict[str, Any]) -> str:
    parts = cells["infractions"].split("; ")
    if len(parts) < 2:
        return ""
    mark = r.choice([" / ", ", ", "\n", " - ", " | ", ";", " ; ", " y "])
    cells["infractions"] = mark.join(parts)
    if r.random() < 0.3:
        cells["infractions"] = "\n".join(f"{n}) {text}" for n, text in enumerate(parts, start=1))
    return "infractions_split"


def _counts(r: random.Random, cells: dict[str, str], values: dict[str, Any]) -> str:
    cells["workers"] = r.choice(
        [f"{values['workers']} trab.", f"{values['workers']}.0", f" {values['workers']} personas"]
    )
    return "count_text"


def _formula(r: random.Random, cells: dict[str, str], values: dict[str, Any]) -> str:
    cells["remarks"] = r.choice(["=CMD|'/c calc'!A0", "+595 981", "@SUM(A1)", "-2+3", "=1+1"])
    values["remarks"] = cells["remarks"]
    return ""


_REPAIRS = [_date, _ruc, _fine, _place, _act, _names, _inspectors, _infractions, _counts, _formula]
_PROBLEMS: list[tuple[str, dict[str, str]]] = [
    ("missing_ruc", {"ruc": ""}), ("missing_ruc", {"ruc": "s/d"}), ("wrong_ruc_digit", {}), ("bad_ruc", {"ruc": "12"}),
    ("bad_ruc", {"ruc": "800593592"}), ("impossible_date", {"date": "31/02/2016"}), ("impossible_date", {"date": "00/00/0000"}),
    ("impossible_date", {"date": "ayer"}), ("missing_date", {"date": "s/f"}), ("missing_date", {"date": ""}),
    ("future_date", {"date": "01/01/2033"}), ("date_too_old", {"date": "05/03/1914"}), ("missing_act", {"act_number": ""}),
    ("bad_act", {"act_number": "ver carpeta"}), ("act_year_conflict", {}), ("unknown_district", {"district": "XX"}),
    ("unknown_district", {"district": "Ciudad Gótica"}), ("missing_district", {"district": ""}),
    ("unknown_department", {"department": "Mato Grosso"}), ("negative_count", {"workers": "-57"}),
    ("negative_count", {"men": "-1"}), ("bad_count", {"women": "muchas"}), ("inconsistent_counts", {}),
    ("bad_amount", {"fine": "10 jornales"}), ("bad_amount", {"fine": "1.234,567"}), ("negative_amount", {"fine": "-500.000"}),
]  # fmt: skip


def make(
    seed: int,
    *,
    size: int = 120,
    headers: str = "ministry",
    kind: str = "csv",
    encoding: str = "utf-8",
    separator: str = ";",
    titles: int = 0,
    shuffled: bool = False,
) -> Sample:
    """Return a register of `size` rows below the header, the same for the same arguments."""
    names = HEADERS[headers]
    maker = _Maker(seed, names)
    table: list[dict[str, str]] = []
    planned: list[Planned] = []
    for index in range(size):
        roll = maker.r.random()
        if roll < 0.04 and index < size - 1:  # a workbook keeps no empty row at its end
            cells, plan = {}, Planned("blank")
        elif roll < 0.12 and maker.clean:
            cells, plan = maker.repeated()
        elif roll < 0.35:
            cells, plan = maker.broken()
            while plan.causes & {"negative_amount", "bad_amount"} and "fine" not in names:
                cells, plan = maker.broken()
        else:
            cells, plan = maker.repaired()
        table.append(cells)
        planned.append(plan)
    order = list(names)
    if shuffled:
        maker.r.shuffle(order)
        if "inspector_2" in order and order.index("inspector_2") < order.index("inspector_1"):
            one, two = order.index("inspector_1"), order.index("inspector_2")
            order[one], order[two] = order[two], order[one]
    head = [names[name] for name in order]
    body = [[cells.get(name, "") for name in order] for cells in table]
    above = [["Ministerio de Trabajo"], ["Registro de inspecciones 2013 - 2021"], []][:titles]
    if kind == "xlsx":
        data = _workbook(above, head, body, order)
    else:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
        writer.writerows([*above, head, *body])
        plain = text.getvalue()
        if not encoding.startswith("utf"):  # signs that the old encodings do not have
            plain = plain.translate(str.maketrans({"₲": "Gs.", "–": "-", "’": "'"}))
        data = plain.encode(encoding)
    return Sample(data, planned, names, titles + 2)


def _workbook(above: list[list[str]], head: list[str], body: list[list[str]], order: list[str]) -> bytes:
    """Write a workbook with typed cells: numbers as numbers, ISO dates as dates, a merged title, a second sheet."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Registro"
    for row_number, row in enumerate([*above, head], start=1):
        for column, text in enumerate(row, start=1):
            sheet.cell(row=row_number, column=column, value=text)
    if above:
        sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(head))
        sheet.row_dimensions[2].hidden = True
    for row_number, line in enumerate(body, start=len(above) + 2):
        for column, (name, text) in enumerate(zip(order, line, strict=True), start=1):
            if text:
                _fill(sheet.cell(row=row_number, column=column), name, text)
    book.create_sheet("Notas").append(["Nada que importar"])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _fill(cell: Any, name: str, text: str) -> None:
    if name in ("workers", "men", "women", "minors", "fine", "date") and text.isdecimal():
        cell.value = int(text)
    elif name == "date" and len(text) == 10 and text[4] == "-":
        cell.value = datetime.fromisoformat(text)
    else:
        cell.value = text
        cell.data_type = "s"  # a text, even when it looks like a formula
