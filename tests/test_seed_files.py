"""The seed files are complete and agree with one another. Reads nothing but `app/seeds`."""

import csv
import re
import unicodedata
from collections import Counter
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

SEEDS = Path(__file__).resolve().parent.parent / "app" / "seeds"
SINGLE = sorted(p.name for p in SEEDS.glob("*.yaml") if p.name != "demo.yaml")
_ROLES = """admin director regional coordinator inspector intake secretary notifier conciliation legal judge
    minister treasury osh licensing statistics auditor health"""
ROLES = set(_ROLES.split())
MARKS = {"verificado", "por_verificar", "diseno"}
ABBREVIATIONS = {
    "gral": "general",
    "cnel": "coronel",
    "mcal": "mariscal",
    "pto": "puerto",
    "tte": "teniente",
    "pte": "presidente",
}
MISSPELT = {190: "puertopinasco"}
"""District code -> its folded name where the published one has another letter."""


@cache
def load(name):
    with (SEEDS / name).open(encoding="utf-8") as stream:
        return yaml.safe_load(stream)


def rows(name):
    return load(name)["rows"]


def codes(name):
    return {row["code"] for row in rows(name)}


@cache
def territories():
    with (SEEDS / "territories.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def fold(text):
    """Lower case, without accents, spaces or signs, abbreviations of rank written out."""
    plain = unicodedata.normalize("NFD", text.lower())
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    words = re.findall(r"[a-z0-9]+", plain)
    return "".join(ABBREVIATIONS.get(word, word) for word in words)


def questions():
    for checklist in rows("checklists.yaml"):
        for section in checklist["sections"]:
            for question in section["questions"]:
                yield checklist, section, question


def tables():
    """Every (file or file/part, key fields, rows)."""
    for name in SINGLE:
        data = load(name)
        yield name, data["key"], data["rows"]
    for part, data in load("demo.yaml").items():
        yield f"demo.yaml/{part}", data["key"], data["rows"]


# --- every file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", list(tables()), ids=lambda table: table[0])
def test_a_seed_table_has_rows_with_unique_keys(table):
    _, key, content = table
    fields = [key] if isinstance(key, str) else key
    found = Counter(tuple(row[f] for f in fields) for row in content)
    assert content and all(count == 1 for count in found.values()), found.most_common(3)
    assert all(None not in k for k in found)


@pytest.mark.parametrize("table", list(tables()), ids=lambda table: table[0])
def test_a_dated_row_has_ordered_dates_a_basis_and_a_known_mark(table):
    name, _, content = table
    for row in content:
        if "verification" in row:
            assert row["verification"] in MARKS, (name, row)
        if "valid_from" in row:
            assert isinstance(row["valid_from"], date), (name, row)
            assert row["valid_to"] is None or row["valid_to"] >= row["valid_from"], (name, row)
            if not name.startswith("demo"):
                assert row["legal_basis"] and row["verification"], (name, row)


def test_money_and_text_have_no_stray_spaces_or_floats():
    def walk(value, where):
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, f"{where}.{key}")
        elif isinstance(value, list):
            for inner in value:
                walk(inner, where)
        else:
            assert not isinstance(value, float), where
            if isinstance(value, str):
                assert value == value.strip() and unicodedata.is_normalized("NFC", value), (where, value)

    for name, _, content in tables():
        walk(content, name)


# --- territory and offices ----------------------------------------------------------------------------------


def test_territories_are_the_official_ones():
    content = territories()
    assert len(content) == 272
    assert len({r["department_code"] for r in content}) == 18
    assert len({r["district_code"] for r in content}) == 272
    iso = {int(r["department_code"]): r["department_iso"] for r in content}
    assert (iso[1], iso[11], iso[12], iso[16], iso[17], iso[18]) == (
        "PY-ASU",
        "PY-10",
        "PY-11",
        "PY-19",
        "PY-16",
        "PY-14",
    )


def test_a_label_is_the_published_name_with_accents():
    for row in territories():
        code, label = int(row["district_code"]), row["district_label"]
        assert "(Distrito)" not in label and "(Municipio)" not in label
        assert fold(row["department_label"]) == fold(row["department_name"]), row
        official = re.sub(r"\((Distrito|Municipio)\)", "", row["district_name"])
        published = MISSPELT.get(code) or fold(official)
        assert fold(label.replace(f"(cód. {code})", "")) == published, row


def test_a_district_label_is_unique_in_its_department():
    found = Counter((r["department_code"], r["district_label"]) for r in territories())
    assert found.most_common(1)[0][1] == 1


@pytest.mark.parametrize(
    ("code", "label"),
    [
        (1, "Asunción"),
        (9, "Yby Yaú"),
        (62, "Caaguazú"),
        (10, "San Pedro de Ycuamandyyú"),
        (61, "Coronel Oviedo"),
    ],
)
def test_some_labels_by_name(code, label):
    assert {int(r["district_code"]): r["district_label"] for r in territories()}[code] == label


def test_every_department_has_its_capital_and_the_capital_is_a_district_of_it():
    labels = {
        (int(r["department_code"]), int(r["district_code"])): r["district_label"] for r in territories()
    }
    capitals = rows("capitals.yaml")
    assert {r["department_code"] for r in capitals} == set(range(1, 19))
    for row in capitals:
        assert labels[row["department_code"], row["district_code"]] == row["capital"]


def test_regions_cover_every_department_once():
    offices = rows("offices.yaml")
    regional = [o for o in offices if o["kind"] == "regional"]
    assert len(regional) == 17
    assert sorted(d for o in regional for d in o["departments"]) == list(range(1, 19))
    assert next(o for o in regional if o["code"] == "REG-CAP")["departments"] == [1, 12]
    for office in regional:
        if office["code"] != "REG-CAP":
            number = office["departments"][0]
            assert (office["code"], office["series_code"]) == (f"REG-{number:02d}", f"R{number:02d}")
    assert len({o["series_code"] for o in offices}) == len(offices)
    assert {"MAI", "VMT", "DGIFT", "DFLSSO", "DSSO", "DGAJ", "DROP", "DT", "SG", "DAF", "DGPMT"} <= {
        o["code"] for o in offices
    }


def test_a_parent_office_comes_before_its_children():
    seen = set()
    for office in rows("offices.yaml"):
        assert office["parent"] is None or office["parent"] in seen, office["code"]
        assert re.fullmatch(r"[A-Z0-9-]{2,16}", office["code"])
        seen.add(office["code"])


def test_a_department_alias_names_a_department():
    assert {r["department_code"] for r in rows("department_aliases.yaml")} == set(range(1, 19))


# --- catalogues ---------------------------------------------------------------------------------------------


def test_activities_are_21_sections_and_88_divisions():
    content = rows("activities.yaml")
    assert Counter(r["level"] for r in content) == {"section": 21, "division": 88}
    sections = {r["code"] for r in content if r["level"] == "section"}
    assert sections == set("ABCDEFGHIJKLMNOPQRSTU")
    assert all(isinstance(r["code"], str) for r in content)
    assert all(r["parent"] in sections for r in content if r["level"] == "division")


def test_an_activity_alias_names_a_section():
    sections = {r["code"] for r in rows("activities.yaml") if r["level"] == "section"}
    content = rows("activity_aliases.yaml")
    assert all(r["code"] in sections for r in content)
    assert sum(r["source"] == "registro_historico" for r in content) == 11


def test_infractions_are_69_in_known_areas():
    content = rows("infractions.yaml")
    assert len(content) == 69
    areas = codes("infraction_areas.yaml")
    assert len(areas) == 14
    assert {r["area"] for r in content} == areas
    for row in content:
        assert row["code"].startswith(row["area"] + "-")
        assert 0 < row["day_wages_min"] <= row["day_wages_max"] <= 50, row
        assert row["basis"] in {"per_worker", "per_obligation"}
        assert row["severity"] in {"leve", "grave", "muy_grave"}
        assert row["title"] and row["article"]


def test_some_infractions_demand_referral_or_propose_a_stoppage():
    content = rows("infractions.yaml")
    referral = {r["code"] for r in content if r["mandatory_referral"]}
    assert referral == {"INF-01", "INF-02", "INF-04", "DOM-01", "TFO-01"}
    assert {r["code"] for r in content if r["stoppage_proposed"]} == {"SST-11"}


@pytest.mark.parametrize(
    ("code", "low", "high", "basis"),
    [
        ("OBS-01", 30, 30, "per_obligation"),
        ("OBS-02", 10, 30, "per_obligation"),
        ("OBS-03", 10, 30, "per_obligation"),
        ("SIN-01", 30, 30, "per_obligation"),
        ("SIN-02", 30, 30, "per_obligation"),
        ("SIN-03", 30, 30, "per_obligation"),
        ("SIN-04", 30, 30, "per_obligation"),
        ("JOR-04", 10, 10, "per_worker"),
        ("DOM-04", 10, 10, "per_worker"),
        ("SST-07", 10, 30, "per_obligation"),
        ("SAL-01", 30, 30, "per_worker"),
        ("SST-01", 20, 30, "per_obligation"),
        ("REG-01", 10, 30, "per_obligation"),
        ("INF-01", 50, 50, "per_worker"),
    ],
)
def test_a_fine_follows_its_sanction_article(code, low, high, basis):
    row = next(r for r in rows("infractions.yaml") if r["code"] == code)
    assert (row["day_wages_min"], row["day_wages_max"], row["basis"]) == (low, high, basis)
    if code[:3] in {"OBS", "SIN"} or code in {"JOR-04", "DOM-04", "SST-07"}:
        assert row["verification"] == "por_verificar" and row["note"]


def test_an_infraction_alias_names_an_infraction_or_nothing():
    known = codes("infractions.yaml")
    content = rows("infraction_aliases.yaml")
    for row in content:
        assert row["code"] is None or row["code"] in known, row
        assert (row["code"] is None) == (row["confidence"] == "nula"), row
        assert row["confidence"] == "alta" or row["note"], row
    assert sum(r["source"] == "registro_historico" for r in content) == 20


@pytest.mark.parametrize("name", ["infraction_aliases.yaml", "activity_aliases.yaml"])
def test_aliases_stay_apart_when_folded(name):
    found = Counter(fold(r["alias"]) for r in rows(name))
    assert found.most_common(1)[0][1] == 1, found.most_common(3)


def test_norms_are_known_by_code_and_the_procedure_in_force_replaced_the_old_ones():
    norms = {r["code"]: r for r in rows("norms.yaml")}
    wanted = "CN CT L5115 D6157 R346 R398 R476 R941 R1146 R029 R047 R056 D1989 R991 R464 D10047 D14390 L5804"
    wanted += (
        " R1028 D5078 R3-22 R359 D5649 DL1860 L5407 L6338 L1680 L1657 D4951 L2332 L5508 R519 R1361 L5764"
    )
    wanted += " L6715 L1462 L4046 L6984 L7593 L1682 C81 C189 C115 C119 C120 CN-34"
    assert set(wanted.split()) <= set(norms)
    assert norms["R346"]["date"] == date(2024, 5, 21)
    for code in ("R047", "R056"):
        assert norms[code]["valid_to"] == date(2024, 5, 20)


def test_other_catalogues_have_their_rows():
    assert [r["code"] for r in rows("hazardous_child_labour.yaml")] == [f"TIP-{n:02d}" for n in range(1, 27)]
    assert len(rows("dismissal_grounds.yaml")) == 7
    esaw = Counter(r["table"] for r in rows("esaw.yaml"))
    assert esaw == {
        "contact": 10,
        "deviation": 10,
        "injury": 14,
        "body_part": 9,
        "environment": 14,
        "days_lost": 9,
    }


# --- amounts and parameters ---------------------------------------------------------------------------------


def test_the_daily_wage_is_the_monthly_divided_by_26_except_the_published_one_of_2014():
    content = rows("minimum_wages.yaml")
    assert len(content) == 12
    for row in content:
        computed = (2 * row["monthly"] + 26) // 52
        if row["valid_from"] == date(2014, 3, 1):
            assert (row["daily"], computed) == (70155, 70156)
        else:
            assert row["daily"] == computed, row


def test_minimum_wages_leave_no_gap_and_no_overlap():
    content = sorted(rows("minimum_wages.yaml"), key=lambda r: r["valid_from"])
    for earlier, later in pairwise(content):
        assert earlier["valid_to"] + timedelta(days=1) == later["valid_from"]
    assert content[-1]["valid_to"] is None


@pytest.mark.parametrize(
    ("day_wages", "amount"),
    [(10, 1170770), (15, 1756155), (20, 2341540), (25, 2926925), (30, 3512310), (50, 5853850)],
)
def test_fines_at_the_latest_daily_wage(day_wages, amount):
    assert rows("minimum_wages.yaml")[-1]["daily"] * day_wages == amount


_PARAMETERS = """MULTA_FACTOR_REINCIDENCIA=2 REINCIDENCIA_VENTANA_MESES=24 REINCIDENCIA_ALCANCE=MISMA_INFRACCION
MULTA_JORNAL_FECHA_BASE=CONSTATACION MULTA_PLAZO_PAGO=10 MULTA_CUOTAS_MAX=12 OI_FIRMANTE=MINISTRO
OI_VIGENCIA_DIAS=30 DEN_PLAZO_ANALISIS=5 DEN_PLAZO_ACLARACION=10 DEN_ANONIMA_PERMITIDA=true DEN_P1_HORAS=24
PLAZO_DOCUMENTAL=5 PLAZO_REGULARIZACION_DOC=10 PLAZO_REGULARIZACION_SST=30 PRORROGA_MAX=1
INF_PLAZO_ELABORACION=10 INF_PLAZO_DGIF=5 INF_PLAZO_DGAJ=10 INF_PLAZO_MAI=5 SUM_ADMISION=5 SUM_DESCARGO=9
SUM_AUDIENCIA=10 SUM_PRUEBA=15 SUM_ALEGATOS=5 SUM_CONCLUSION=10 SUM_DICTAMEN=10 SUM_DURACION_MAX=6
AUDIENCIA_DIFERIMIENTOS_MAX=2 REC_RECONSIDERACION=10 REC_SILENCIO=20 REC_CONTENCIOSO=18 NOTIF_PORTAL_DIAS=3
ACC_PLAZO_COMUNICACION_MTESS=8 ACC_PLAZO_COMUNICACION_IPS=8 ACC_PLAZO_GRAVE_HORAS=24 CIPA_UMBRAL=100
RIT_UMBRAL=10 LACTANCIA_UMBRAL=30 SERVICIO_SST_UMBRAL=150 EDAD_MINIMA_TRABAJO=14 EDAD_MINIMA_DOMESTICO=18
ALERTA_OFFSETS=-5,-2,0,1,5 HAB_ALERTA_VENCIMIENTO=30 FERIA_SUSPENDE_CONTENCIOSO=true
FERIA_SUSPENDE_ADMINISTRATIVO=false ASUETO_SUSPENDE=false IPS_OBRERO=9 IPS_PATRONAL=16.5
RETENCION_DENUNCIA_ANONIMA=10 REOP_PLAZO_ENTRADA=30 REOP_PLAZO_SALIDA=30 VAC_PREAVISO=15 IPS_PLAZO_BAJA=3
GRACIA_PRESENTACION_HORA=09:00 RUC_PERMITE_LETRA=false"""
PARAMETERS = _PARAMETERS.split()


@pytest.mark.parametrize("pair", PARAMETERS)
def test_a_parameter_has_its_default(pair):
    code, _, value = pair.partition("=")
    assert {r["code"]: r["value"] for r in rows("parameters.yaml")}[code] == value


def test_a_parameter_value_has_the_form_of_its_type():
    forms = {
        "int": r"-?\d+",
        "decimal": r"-?\d+(\.\d+)?",
        "bool": r"true|false",
        "text": r".+",
        "list": r"[^,\s]+(,[^,\s]+)*",
        "date": r"\d{4}-\d\d-\d\d",
    }
    for row in rows("parameters.yaml"):
        assert isinstance(row["value"], str) and re.fullmatch(forms[row["value_type"]], row["value"]), row
        assert re.fullmatch(r"[A-Z][A-Z0-9_]+", row["code"]) and row["description"] and row["unit"]
        assert "choices" not in row or row["value"] in row["choices"]
        if row["code"].endswith("_REGEX"):
            re.compile(row["value"])


# --- holidays -----------------------------------------------------------------------------------------------


def easter(year):
    """Easter Sunday by the table-free rule of Meeus for years 1900 to 2099."""
    d = (19 * (year % 19) + 24) % 30
    e = (2 * (year % 4) + 4 * (year % 7) + 6 * d + 5) % 7
    day = date(year, 3, 22) + timedelta(days=d + e)
    if (d, e) == (29, 6) or (d, e) == (28, 6) and (11 * (year % 19 + 1)) % 30 < 19:
        day -= timedelta(days=7)
    return day


def blocked():
    return {r["effective_date"] for r in rows("holidays.yaml") if r["kind"] != "ASUETO"}


def test_holidays_of_2026_are_the_published_list():
    days = {d.isoformat() for d in blocked() if d.year == 2026}
    assert days == {
        "2026-01-01",
        "2026-03-02",
        "2026-04-02",
        "2026-04-03",
        "2026-05-01",
        "2026-05-14",
        "2026-05-15",
        "2026-06-12",
        "2026-06-20",
        "2026-08-15",
        "2026-09-29",
        "2026-12-08",
        "2026-12-25",
    }


@pytest.mark.parametrize("year", range(2013, 2031))
def test_each_year_has_its_holidays_and_holy_week(year):
    content = [
        r for r in rows("holidays.yaml") if r["original_date"].year == year and r["kind"] == "NACIONAL"
    ]
    assert len(content) == (13 if year >= 2026 else 12)
    named = {r["name"]: r["effective_date"] for r in content}
    assert named["Jueves Santo"] == easter(year) - timedelta(days=3)
    assert named["Viernes Santo"] == easter(year) - timedelta(days=2)


def test_a_holiday_moves_only_to_a_near_monday_and_only_if_movable():
    for row in rows("holidays.yaml"):
        assert row["kind"] in {"NACIONAL", "DECRETO", "LOCAL", "ASUETO"} and row["scope"] == "national"
        if row["effective_date"] != row["original_date"]:
            assert row["movable"] and row["norm"], row
            assert row["effective_date"].weekday() == 0
            assert abs((row["effective_date"] - row["original_date"]).days) <= 6


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-03-27", 5, "2026-04-07"),
        ("2026-04-01", 1, "2026-04-06"),
        ("2026-02-27", 1, "2026-03-03"),
        ("2026-05-11", 5, "2026-05-20"),
        ("2026-05-13", 18, "2026-06-10"),
        ("2026-06-05", 9, "2026-06-19"),
        ("2026-09-25", 3, "2026-10-01"),
        ("2026-12-04", 10, "2026-12-21"),
    ],
)
def test_business_days_over_the_holidays(start, days, due):
    closed, day = blocked(), date.fromisoformat(start)
    while days:
        day += timedelta(days=1)
        days -= day.weekday() < 5 and day not in closed
    assert day.isoformat() == due


# --- checklists ---------------------------------------------------------------------------------------------


def test_checklists_have_85_questions():
    counts = Counter(checklist["code"] for checklist, _, _ in questions())
    assert counts == {"CL-GEN": 25, "CL-SST": 24, "CL-INF": 16, "CL-DR": 20}


def test_a_question_is_numbered_and_points_to_an_infraction():
    known = codes("infractions.yaml")
    numbers = {}
    for checklist, section, question in questions():
        numbers.setdefault(checklist["code"], []).append(question["number"])
        assert section["title"]
        assert question["code"] == f"{checklist['code']}-{question['number']:02d}"
        assert question["infraction"] in known
        assert question["weight"] in {1, 2, 3}
        assert question["evidence"] in {"none", "photo", "document"}
    for found in numbers.values():
        assert found == list(range(1, len(found) + 1))


def test_the_good_answer_of_a_question_is_cumple():
    for _, _, question in questions():
        text = question["text"]
        assert text.startswith("¿") and text.endswith("?"), text
        assert not text.startswith("¿No ") and not re.search(r"\bno\b", text, re.IGNORECASE), text
    texts = Counter(q["text"] for _, _, q in questions())
    assert texts.most_common(1)[0][1] == 1


OPERATORS = {"==", "!=", "<", "<=", ">", ">=", "and", "or", "!", "in", "+", "-", "*", "missing"}


def variables(condition):
    """The variables of a condition; fails on anything outside the closed language."""
    if isinstance(condition, dict):
        assert len(condition) == 1, condition
        ((operator, arguments),) = condition.items()
        if operator == "var":
            assert isinstance(arguments, str), condition
            yield arguments
            return
        assert operator in OPERATORS, condition
        for argument in arguments if isinstance(arguments, list) else [arguments]:
            yield from variables(argument)
    else:
        assert isinstance(condition, (str, int, bool)), condition


def test_conditions_use_the_closed_language_and_known_parameters():
    parameters = codes("parameters.yaml")
    used = set()
    for _, _, question in questions():
        if question["show_if"] is not None:
            used |= set(variables(question["show_if"]))
    thresholds = {name.removeprefix("params.") for name in used if name.startswith("params.")}
    assert thresholds == {"RIT_UMBRAL", "CIPA_UMBRAL"} and thresholds <= parameters
    assert {n for n in used if "." not in n} == {"workers_total", "unhealthy_work", "domain", "live_in"}


def test_domestic_and_rural_questions_are_shown_in_their_domain():
    for checklist, _, question in questions():
        if checklist["code"] == "CL-DR":
            wanted = "domestic" if question["number"] <= 9 else "rural"
            assert question["scope"] == wanted
            assert {"==": [{"var": "domain"}, wanted]} in (
                question["show_if"],
                *question["show_if"].get("and", []),
            )


# --- documents ----------------------------------------------------------------------------------------------


def test_document_types_are_the_40_and_three_more():
    content = rows("document_types.yaml")
    assert len(content) == 43
    assert {"OI-SUS", "OI-PRO", "ACT-COM"} <= {r["code"] for r in content}
    for row in content:
        assert row["signer_roles"] and set(row["signer_roles"]) <= ROLES, row
        assert row["series_scope"] in {"national", "office"} and row["number_owner"] in {"sis", "external"}
        assert row["signing_modes"] and set(row["signing_modes"]) <= {"handwritten", "drawn", "electronic"}
        assert ("{office}" in row["number_format"]) == (row["series_scope"] == "office")
        assert "{year}" in row["number_format"] and "{number" in row["number_format"]


def test_number_series_of_orders_are_national_and_of_ministerial_resolutions_external():
    content = {r["code"]: r for r in rows("document_types.yaml")}
    assert content["OI"]["series_scope"] == "national"
    assert {c for c, r in content.items() if r["number_owner"] == "external"} == {
        "RES-SUM",
        "RES-SAN",
        "RES-REC",
    }
    printed = content["ACT-INS"]["number_format"].format(office="R07", year=2026, number=1)
    assert printed == "ACT-INS-R07-2026-000001"
    assert content["OI"]["number_format"].format(year=2026, number=12) == "OI-2026-000012"


# --- demonstration ------------------------------------------------------------------------------------------


def test_demonstration_accounts_cover_every_role_and_known_offices():
    demo, offices = load("demo.yaml"), codes("offices.yaml")
    accounts = {r["username"]: r for r in demo["accounts"]["rows"]}
    wanted = (
        "admin director regional coordinador inspector1 inspector2 inspector3 mesa secretaria notificador"
        " conciliacion juridico juez ministro tesoreria sst licencias estadistica auditor salud"
    )
    assert set(accounts) == set(wanted.split())
    assert {r["role"] for r in accounts.values()} == ROLES
    for row in demo["posts"]["rows"]:
        assert row["office"] in offices and row["role"] == accounts[row["holder"]]["role"]
    assert all(r["office"] in offices and r["post"] for r in accounts.values())


def test_demonstration_inspectors_are_25_in_every_region_with_three_brigades():
    demo, offices = load("demo.yaml"), rows("offices.yaml")
    accounts = {r["username"]: r for r in demo["accounts"]["rows"]}
    inspectors = {r["code"]: r for r in demo["inspectors"]["rows"]}
    assert len(inspectors) == 25
    assert {r["office"] for r in inspectors.values()} == {
        o["code"] for o in offices if o["kind"] == "regional"
    }
    assert len({r["document_number"] for r in inspectors.values()}) == 25
    linked = [r for r in inspectors.values() if r["username"]]
    assert len(linked) == 3
    for row in linked:
        account = accounts[row["username"]]
        for name in ("first_name", "last_name", "office"):
            assert row[name] == account[name]
    brigades = demo["brigades"]["rows"]
    assert len(brigades) == 3
    for row in brigades:
        assert row["leader"] in row["members"] and set(row["members"]) <= set(inspectors)
        assert row["office"] in {o["code"] for o in offices}
