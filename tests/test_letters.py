"""Letters: what each one says, what stays out of it, what it looks like when a part is missing or too long."""

import io
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any

import pypdf
import pytest
import yaml
from support import ROOT
from test_render import (
    ADDRESS,
    EMPLOYER,
    ESTABLISHMENT,
    HER,
    HIM,
    INSPECTORS,
    MOMENT,
    ORDER,
    PAPER,
    QR,
    RECORD,
    REQUIREMENT,
    pages,
    picture,
    replaced,
    squeezed,
    words,
)

from app.documents import images, letters, render

BEGAN = datetime(2026, 11, 26, 11, 30, tzinfo=UTC)
ORDERED: dict[str, Any] = {"order_number": "OI-2026-000123", "order_date": date(2026, 11, 24)}
RECORDED: dict[str, Any] = {"record_number": "ACT-INS-R11-2026-000045", "record_date": date(2026, 11, 26)}
WHERE: dict[str, Any] = {"employer": EMPLOYER, "establishment": ESTABLISHMENT}
MINISTER = ORDER.signature
DIRECTOR = letters.Signature("Rubén Ayala", "Director General", signed_at=MOMENT)
LAWYER = letters.Signature("Graciela Ríos", "Dictaminante", signed_at=MOMENT)
BRANCHES = (ESTABLISHMENT, letters.Establishment("Ruta PY02 km 22", "Capiatá", "Central", "Depósito"))
BACKGROUND = (
    letters.Background("Acta de inspección", "ACT-INS-R11-2026-000045", date(2026, 11, 26), "12 a 15"),
    letters.Background("Planilla del IPS"),
)


def paper(number: str) -> letters.Paper:
    return replace(PAPER, number=number)


SAMPLES: dict[str, letters.Letter] = {
    "OI": ORDER,
    "ACT-INS": RECORD,
    "REQ-REG": REQUIREMENT,
    "OI-SUS": letters.TeamChangeLetter(
        paper("OI-SUS-2026-000004"),
        **ORDERED,
        team=(INSPECTORS[0], letters.Person("Derlis Insfrán", "4567890", "Inspector", "INS-0050")),
        signature=MINISTER,
        leaving=(letters.Departure(INSPECTORS[1], "Reposo médico del 27/11/2026 al 11/12/2026"),),
        entering=(letters.Person("Derlis Insfrán", "4567890", "Inspector", "INS-0050"),),
        effective_from=date(2026, 11, 27),
        employer=EMPLOYER,
        establishments=(ESTABLISHMENT,),
    ),
    "OI-PRO": letters.OrderExtensionLetter(
        paper("OI-PRO-2026-000012"),
        **ORDERED,
        valid_from=date(2026, 11, 24),
        valid_until=date(2026, 12, 24),
        new_until=date(2027, 1, 23),
        reason="Caminos intransitables por lluvias en la zona.",
        signature=MINISTER,
        inspectors=INSPECTORS,
        requested_by=INSPECTORS[0],
        requested_on=date(2026, 11, 23),
        employer=EMPLOYER,
        establishments=BRANCHES,
    ),
    "ACT-NEG": letters.FailedVisitLetter(
        paper("ACT-NEG-R11-2026-000003"),
        **ORDERED,
        started_at=BEGAN,
        ended_at=MOMENT,
        cause="Local cerrado",
        establishment=ESTABLISHMENT,
        attempts=(
            letters.Attempt("Se llama a la puerta en tres oportunidades.", "Nadie responde.", BEGAN),
            letters.Attempt("Se consulta a un vecino que no se identifica.", "Refiere que abre de noche."),
        ),
        inspectors=INSPECTORS,
        signatures=(HER, replace(HER, name="Ỹvoty Pẽixoto", role="Inspector actuante")),
        employer=EMPLOYER,
        position="-25.28220, -57.63510 (± 12 m)",
        found="Portón con candado; se oye maquinaria en marcha.",
        notice_left="Se deja aviso bajo la puerta.",
        next_step="Reiterar la visita en horario nocturno.",
    ),
    "ACT-OBS": letters.ObstructionLetter(
        paper("ACT-OBS-R11-2026-000002"),
        **ORDERED,
        started_at=BEGAN,
        ended_at=MOMENT,
        form="Negativa de ingreso",
        facts="El encargado cierra el portón e impide el ingreso.\nSe oye la orden de retirar a los trabajadores.",
        obstructors=(letters.Person("Quien dijo ser Carlos Benítez", None, "Encargado"),),
        **WHERE,
        inspectors=INSPECTORS,
        signatures=(HER, HIM, letters.Signature("Lidia Vera", "Testigo", identity="5678901")),
        norms=("Código del Trabajo, artículo 391.",),
        witnesses=(letters.Person("Lidia Vera", "5678901", "Oficial de policía"),),
        warning="Se le advierte que la obstrucción se hará constar en acta.",
        statement="Que no dejará pasar a nadie.",
        public_force="Concurre la comisaría 3.ª a las 09:10.",
    ),
    "ACT-COM": letters.CorrectionLetter(
        paper("ACT-COM-R11-2026-000001"),
        record_kind="Acta de inspección",
        **RECORDED,
        order_number="OI-2026-000123",
        corrections=(
            letters.Correction("2. Trabajadores, total de mujeres", "Error de suma", "9", "19"),
            letters.Correction("3. Documentación exhibida", "Omisión", None, "Libro de vacaciones"),
        ),
        **WHERE,
        inspectors=INSPECTORS,
        signatures=(HER, HIM),
        employer_statement="Que está conforme.",
        copy_means="en papel",
        handed_over_at=MOMENT,
    ),
    "PRO": letters.TermExtensionLetter(
        paper("PRO-2026-000007"),
        requirement_number="REQ-REG-R11-2026-000031",
        requirement_date=date(2026, 11, 26),
        **WHERE,
        terms=(
            letters.ExtendedTerm(
                "Inscribir en el IPS.", date(2026, 12, 11), "10 días hábiles", date(2026, 12, 28)
            ),
        ),
        reason="El trámite se inició y depende de un tercero.",
        signature=DIRECTOR,
        requested_on=date(2026, 12, 9),
        requested_by=letters.Person("Carlos Benítez", "2345678", "Apoderado"),
        record_number="ACT-INS-R11-2026-000045",
        conditions=("Presentar constancia del trámite.",),
        extension_rule="No se concederá otra prórroga.",
        calendar="de la Oficina Regional de Central",
    ),
    "ACT-VER": letters.VerificationLetter(
        paper("ACT-VER-R11-2026-000009"),
        requirement_number="REQ-REG-R11-2026-000031",
        requirement_date=date(2026, 11, 26),
        record_number="ACT-INS-R11-2026-000045",
        **ORDERED,
        started_at=BEGAN,
        ended_at=MOMENT,
        way="En el establecimiento",
        **WHERE,
        inspectors=INSPECTORS,
        checks=(
            letters.Verified(
                "Inscribir en el IPS.", "DL 1860/50", "Cumplido", date(2026, 12, 11), "Planilla del IPS"
            ),
            letters.Verified(
                "Resguardo de la sierra.", "D 14390/92", "No cumplido", remark="Falta el protector"
            ),
        ),
        signatures=(HER, HIM),
        conclusion="Cumplimiento parcial.",
        attended_by=letters.Person("Carlos Benítez", "2345678", "Encargado"),
        documents_seen=("Planilla del IPS",),
        narrative="Se recorre el taller.",
        employer_statement="Que el protector está encargado.",
        copy_means="en papel",
    ),
    "INF-FIN": letters.FinalReportLetter(
        paper("INF-FIN-R11-2026-000020"),
        addressee="Dirección General de Inspección y Fiscalización del Trabajo",
        **ORDERED,
        concerned=(
            letters.Concerned(
                EMPLOYER,
                (ESTABLISHMENT,),
                (
                    letters.FindingState(
                        "Siete trabajadores sin IPS.",
                        "Decreto-Ley 1860/50",
                        "No subsanado",
                        "SEG-01",
                        "Grave",
                        7,
                        "REQ-REG-R11-2026-000031, vencido el 11/12/2026",
                    ),
                ),
            ),
        ),
        inspectors=INSPECTORS,
        facts="Se practicó la inspección ordenada.\nSe examinaron los libros.",
        analysis="La falta de inscripción infringe la norma citada.",
        proposal="Instrucción de sumario administrativo",
        proposal_reason="Vencido el plazo, la obligación no fue cumplida.",
        signatures=(HER, replace(HER, name="Elva Duarte", role="Visto bueno de la coordinación")),
        matters=("Jornada y descansos", "Seguridad social"),
        visits=(
            letters.VisitMade(date(2026, 11, 26), "Inicial", "Realizada", "ACT-INS-R11-2026-000045"),
            letters.VisitMade(date(2026, 12, 14), "Verificación", "Realizada", "ACT-VER-R11-2026-000009"),
        ),
        measures=RECORD.measures,
        background=BACKGROUND,
    ),
    "ACT-INF": letters.InfractionLetter(
        paper("ACT-INF-R11-2026-000006"),
        **ORDERED,
        **RECORDED,
        **WHERE,
        inspectors=INSPECTORS,
        charges=(
            letters.Charge(
                "Siete trabajadores sin IPS.",
                "Decreto-Ley 1860/50",
                "Código del Trabajo, artículo 385, primer párrafo",
                "Por trabajador afectado",
                10,
                30,
                1070,
                3210,
                "SEG-01",
                "Grave",
                107,
                "Planilla del IPS",
                "Resolución MTESS N° 12/2025",
            ),
            letters.Charge(
                "Sin horario exhibido.", "CT 204", "CT 385, segundo párrafo", "Única", 20, 20, 20, 20
            ),
        ),
        total_from=1090,
        total_until=3230,
        signatures=(HER,),
        requirement_number="REQ-REG-R11-2026-000031",
        report_number="INF-FIN-R11-2026-000020",
        wage_note="Jornal mínimo vigente a la fecha de la constatación: Gs. 111.502.",
        circumstances="Número de trabajadores afectados.",
        roster_annex=True,
    ),
    "INF-DGIF": letters.ReviewLetter(
        paper("INF-DGIF-2026-000002"),
        addressee="Dirección General de Asesoría Jurídica",
        report_number="INF-FIN-R11-2026-000020",
        report_date=date(2026, 12, 16),
        order_number="OI-2026-000123",
        employer=EMPLOYER,
        proposal="Archivo",
        review="Se revisaron las dos visitas.",
        conclusion="Quedan obligaciones sin verificar.",
        signature=DIRECTOR,
        observations=(letters.Observation("Verificación", "No se examinó el libro de vacaciones."),),
        suggestion="Practicar nueva verificación.",
        establishments=(ESTABLISHMENT,),
        background=BACKGROUND,
    ),
    "DIC": letters.OpinionLetter(
        paper("DIC-2026-000031"),
        addressee="Ministra de Trabajo, Empleo y Seguridad Social",
        subject="Procedencia del archivo propuesto",
        history="Por informe final se propuso el archivo.",
        analysis="Las actuaciones se ajustan a la norma.",
        conclusion="Procede el archivo.",
        signatures=(
            LAWYER,
            replace(LAWYER, name="Óscar Maidana", role="Director General de Asesoría Jurídica"),
        ),
        employer=EMPLOYER,
        establishments=(ESTABLISHMENT,),
        order_number="OI-2026-000123",
        report_number="INF-FIN-R11-2026-000020",
        review_number="INF-DGIF-2026-000002",
        norms=("Resolución MTESS N° 398/2025.",),
        recommendations=("Disponer el archivo.",),
        background=BACKGROUND,
    ),
    "PRV-ARC": letters.RulingLetter(
        paper("PRV-ARC-2026-000015"),
        **ORDERED,
        report_number="INF-FIN-R11-2026-000020",
        report_date=date(2026, 12, 16),
        opinion_number="DIC-2026-000031",
        opinion_date=date(2026, 12, 21),
        grounds="Que no se constataron irregularidades.",
        employer=EMPLOYER,
        signature=MINISTER,
        establishments=(ESTABLISHMENT,),
        review_number="INF-DGIF-2026-000002",
        notify=("DGIFT", "Yvyrarã Ñemby S.A."),
    ),
}
ARCHIVE = SAMPLES["PRV-ARC"]
assert isinstance(ARCHIVE, letters.RulingLetter)
ACTIONS = replace(
    ARCHIVE,
    actions=(
        letters.OrderedAction("Nueva verificación.", "DGIFT", "5 días hábiles", date(2026, 12, 30)),
        letters.OrderedAction("Pedir informe al IPS."),
    ),
    new_valid_until=date(2027, 2, 1),
)
ROSTER = letters.RosterAnnex(
    paper("ACT-INF-R11-2026-000006"),
    annexed_to="Acta de infracción",
    order_number="OI-2026-000123",
    **WHERE,
    rosters=(
        letters.Roster(
            "Trabajadores sin inscripción en el IPS",
            (
                letters.Worker("Ramona Ỹsapy", "4111222", "01/2026 a 10/2026", 2798309),
                letters.Worker("Pedro Galeano", "soldador", removed="Excluido por prueba, 14/01/2027"),
            ),
            "Decreto-Ley 1860/50",
            "SEG-01",
        ),
    ),
    with_names=True,
    printed_for="Juzgado de instrucción",
)
PACK = letters.VisitPack(
    PAPER,
    kind="De establecimiento",
    matters=("Jornada y descansos", "Seguridad social"),
    inspectors=INSPECTORS,
    valid_until=date(2026, 12, 24),
    checklists=(
        letters.PackChecklist(
            "CL-GEN",
            "Condiciones generales de trabajo",
            "1",
            (
                letters.PackSection(
                    "Registro y documentación",
                    (
                        letters.PackQuestion(
                            "CL-GEN-01",
                            "¿El empleador está inscripto en el Registro Obrero Patronal?",
                            "documento",
                        ),
                        letters.PackQuestion(
                            "CL-GEN-08",
                            "¿Cuenta con reglamento interno homologado?",
                            condition="si ocupa a más de 10",
                        ),
                    ),
                ),
                letters.PackSection(
                    "Jornada",
                    tuple(
                        letters.PackQuestion(f"CL-GEN-{n}", "¿La jornada diaria respeta los límites legales?")
                        for n in range(20, 42)
                    ),
                ),
            ),
        ),
    ),
    employer=EMPLOYER,
    establishments=(ESTABLISHMENT,),
    period_from=date(2025, 11, 1),
    period_until=date(2026, 10, 31),
)
SHEETS: dict[str, letters.Letter] = {"roster": ROSTER, "visit_pack": PACK}
REGISTERED = {**letters.LETTERS, **letters.SHEETS}
ALL = {**SAMPLES, **SHEETS}


@pytest.fixture(scope="module", autouse=True)
def _children() -> Iterator[None]:
    render.warm_up()
    yield
    render.shut_down()


def made(code: str, letter: letters.Letter | None = None, **options: Any) -> bytes:
    html = letters.compose(REGISTERED[code][1], (letter or ALL[code]).as_context())
    return render.render(html, title=code, images={**QR, **options.pop("pictures", {})}, **options)


def bare(letter: letters.Letter) -> letters.Letter:
    """The letter with every optional field empty."""
    return replace(
        letter, **{item.name: item.default for item in fields(letter) if item.default in (None, (), False)}
    )


# The registry


def test_registry_names_types_of_the_ministry_and_templates_that_are_there() -> None:
    rows = yaml.safe_load((ROOT / "app/seeds/document_types.yaml").read_text(encoding="utf-8"))["rows"]
    assert set(letters.LETTERS) <= {row["code"] for row in rows}
    assert set(letters.LETTERS) == set(SAMPLES) and set(letters.SHEETS) == set(SHEETS)
    shipped = {path.name for path in letters.TEMPLATES.glob("*.html")} - {"base.html", "blocks.html"}
    assert shipped == {template for _, template in REGISTERED.values()}
    for code, letter in ALL.items():
        assert type(letter) is REGISTERED[code][0]


def test_no_letter_has_a_field_for_interviews_or_complainants() -> None:
    names = {item.name for kind, _ in REGISTERED.values() for item in fields(kind)}
    assert not {name for name in names if re.search("interview|complain|entrevist|denunci", name)}


def test_shipped_templates_hold_no_number_of_the_law() -> None:
    """Days, jornales and articles of a norm come in the data: a change of the law is no change of a template."""
    for _, template in REGISTERED.values():
        text = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}|<[^>]*>|&\w+;", " ", letters.source_of(template), flags=re.S)
        text = re.sub(r"Artículo \d°", " ", text)
        assert not re.search(r"\d", text), (template, re.findall(r".{0,30}\d.{0,30}", text))


# What each one says

SAYS: dict[str, tuple[str, ...]] = {
    "OI-SUS": (
        "Sustitución de inspectores",
        "OI-2026-000123, de fecha 24/11/2026",
        "Artículo 2°. Cese.",
        "Ỹvoty Pẽixoto 3.456.789 INS-0034 Reposo médico del 27/11/2026 al 11/12/2026",
        "Artículo 3°. Incorporación.",
        "Artículo 4°. Equipo.",
        "Derlis Insfrán 4.567.890 INS-0050",
        "Rige desde 27/11/2026",
        "Artículo 6°. Subsistencia.",
        "María Garcete",
    ),
    "OI-PRO": (
        "Prórroga de la orden de inspección",
        "vigente del 24/11/2026 al 24/12/2026",
        "Ana Mbarakajá Ñúñez, CI N° 1.234.567, Inspectora, el 23/11/2026",
        "hasta el 23/01/2027",
        "Caminos intransitables",
        "la vigencia de la orden no ha vencido",
        "Ruta PY02 km 22, Capiatá, Central",
    ),
    "ACT-NEG": (
        "Acta negativa",
        "Local cerrado",
        "siendo las 08:30 horas",
        "26/11/2026 08:30 Se llama a la puerta",
        "Refiere que abre de noche.",
        "Portón con candado",
        "Se deja aviso",
        "Reiterar la visita",
        "un solo ejemplar",
    ),
    "ACT-OBS": (
        "Acta de obstrucción",
        "Negativa de ingreso",
        "Quien dijo ser Carlos Benítez",
        "impide el ingreso",
        "Se le advierte",
        "Que no dejará pasar",
        "comisaría",
        "Lidia Vera 5.678.901 Oficial de policía",
        "artículo 391",
        "SE NEGÓ A FIRMAR",
    ),
    "ACT-COM": (
        "Acta complementaria",
        "ACT-INS-R11-2026-000045, de fecha 26/11/2026",
        "Donde dice 9 Debe decir 19 Motivo Error de suma",
        "Donde dice (se omitió) Debe decir Libro de vacaciones",
        "Corrección 2 de 2",
        "4. Entrega",
        "el 26/11/2026, a las 11:45 horas: en papel.",
        "SE NEGÓ A FIRMAR",
    ),
    "PRO": (
        "Providencia de prórroga",
        "presentada por Carlos Benítez, CI N° 2.345.678, Apoderado, el 09/12/2026",
        "Inscribir en el IPS. 11/12/2026 10 días hábiles 28/12/2026",
        "depende de un tercero",
        "Presentar constancia",
        "No se concederá otra prórroga.",
        "calendario de la Oficina Regional de Central",
    ),
    "ACT-VER": (
        "Acta de verificación",
        "REQ-REG-R11-2026-000031, de fecha 26/11/2026",
        "11/12/2026 Cumplido Planilla del IPS",
        "No cumplido",
        "Observación: Falta el protector",
        "Cumplimiento parcial.",
        "Que el protector está encargado.",
    ),
    "INF-FIN": (
        "Informe final de inspección",
        "26/11/2026 Inicial Realizada ACT-INS-R11-2026-000045",
        "Se examinaron los libros.",
        "Requerido: REQ-REG-R11-2026-000031, vencido el 11/12/2026",
        "No subsanado",
        "Análisis jurídico",
        "Instrucción de sumario administrativo",
        "12 a 15",
        "Visto bueno de la coordinación",
    ),
    "ACT-INF": (
        "Acta de infracción",
        "Infracción 1 · SEG-01",
        "artículo 385, primer párrafo",
        "Trabajadores afectados 107",
        "10 a 30 1.070 a 3.210",
        "Única 20 20",
        "Total propuesto: 1.090 a 3.230 jornales mínimos",
        "Gs. 111.502",
        "Resolución MTESS N° 12/2025",
        "anexo reservado",
    ),
    "INF-DGIF": (
        "Informe de la DGIFT",
        "Propuesta del informe Archivo",
        "No se examinó el libro",
        "Quedan obligaciones sin verificar.",
        "Practicar nueva verificación.",
        "Rubén Ayala",
    ),
    "DIC": (
        "Dictamen jurídico",
        "Procedencia del archivo propuesto",
        "Resolución MTESS N° 398/2025.",
        "Procede el archivo.",
        "Disponer el archivo.",
        "Óscar Maidana",
    ),
    "PRV-ARC": (
        "Providencia de archivo",
        "Dictamen N° DIC-2026-000031, de fecha 21/12/2026",
        "Artículo 1°. Archivo.",
        "Que no se constataron irregularidades.",
        "Comuníquese a: DGIFT; Yvyrarã Ñemby S.A. Base legal",
    ),
    "roster": (
        "Acta de infracción N° ACT-INF-R11-2026-000006",
        "RESERVADO",
        "Ramona Ỹsapy 4.111.222 01/2026 a 10/2026 Gs. 2.798.309",
        "Excluido por prueba, 14/01/2027",
        "Trabajadores afectados: 2; subsisten, tras las exclusiones: 1",
        "Juzgado de instrucción",
    ),
    "visit_pack": (
        "Carpeta de visita",
        "N° OI-2026-000123",
        "K7QM-2XRT",
        ADDRESS,
        "80009735-1",
        "Con contrato escrito",
        "CL-GEN, versión 1",
        "Registro y documentación",
        "¿Cuenta con reglamento interno homologado?",
        "Se pregunta: si ocupa a más de 10",
        "Prueba: documento",
        "No verificado",
        "☐ Verificación",
        "Se negó a firmar",
        "Ana Mbarakajá Ñúñez (líder)",
    ),
}


@pytest.mark.parametrize("code", SAYS)
def test_letter_says_what_it_must(code: str) -> None:
    pdf = made(code)
    text = words(pdf)
    for part in (*SAYS[code], "Yvyrarã Ñemby S.A.", "Ministerio de Trabajo, Empleo y Seguridad Social"):
        assert part in text, part
    number = ALL[code].paper.number
    found = pages(pdf)
    for position, page in enumerate(found, 1):
        assert number is not None and number in page and f"Página {position} de {len(found)}" in page


def test_every_new_letter_has_its_words_tested() -> None:
    assert set(SAYS) == set(ALL) - {"OI", "ACT-INS", "REQ-REG"}


def test_ruling_with_actions_lists_them_and_archives_nothing() -> None:
    text = words(made("PRV-ARC", ACTIONS))
    for part in (
        "Providencia de diligencias",
        "Nueva verificación. DGIFT 5 días hábiles Vence: 30/12/2026",
        "Pedir informe al IPS.",
        "con vigencia hasta el 01/02/2027",
    ):
        assert part in text, part
    assert "rchivar" not in text and "rchívese" not in text


def test_team_change_is_named_and_numbered_by_what_it_does() -> None:
    change = SAMPLES["OI-SUS"]
    assert isinstance(change, letters.TeamChangeLetter)
    more = words(made("OI-SUS", replace(change, leaving=(), reason="Inspección compleja")))
    assert (
        "Incorporación de inspectores" in more and "Cese" not in more and "Motivo Inspección compleja" in more
    )
    assert "Artículo 2°. Incorporación." in more and "Artículo 5°. Subsistencia." in more
    fewer = words(made("OI-SUS", replace(change, entering=())))
    assert "Modificación del equipo de inspección" in fewer and "Incorporación" not in fewer
    assert "Artículo 5°. Subsistencia." in fewer


def test_extension_issued_late_does_not_claim_to_be_in_time() -> None:
    extension = SAMPLES["OI-PRO"]
    late = replace(extension, paper=replace(extension.paper, issued_on=date(2026, 12, 28)))
    assert "no ha vencido" not in words(made("OI-PRO", late))


def test_roster_without_names_gives_numbers_and_no_name_reaches_the_template() -> None:
    nameless = replace(ROSTER, with_names=False)
    context = nameless.as_context()
    assert (
        "Ramona" not in repr(context) and "soldador" not in repr(context) and "2798309" not in repr(context)
    )
    text = words(made("roster", nameless))
    assert "Trabajadores sin inscripción en el IPS" in text
    assert "Trabajadores afectados: 2; subsisten, tras las exclusiones: 1" in text
    for part in ("Ramona", "4.111.222", "soldador", "Gs.", "Nombre y apellido", "RESERVADO", "Juzgado"):
        assert part not in text, part


def test_roster_leaves_names_out_unless_asked() -> None:
    (named,) = (item for item in fields(letters.RosterAnnex) if item.name == "with_names")
    assert named.default is False


def test_visit_pack_has_four_boxes_for_each_question() -> None:
    text = words(made("visit_pack"))
    questions = [question for part in PACK.checklists[0].sections for question in part.questions]
    assert all(question.code in text for question in questions)
    others = len(PACK.visit_kinds) + len(PACK.copy_means) + 2 * len(INSPECTORS) + len(PACK.signers) + 1
    assert text.count("☐") == 4 * len(questions) + others


def test_visit_pack_of_an_open_order_is_filled_in_at_the_door() -> None:
    open_order = replace(PACK, employer=None, establishments=(), zone="Mercado de Abasto", shift="Nocturno")
    text = words(made("visit_pack", open_order))
    assert "Mercado de Abasto" in text and "Nocturno" in text and "Yvyrarã" not in text
    several = words(
        made("visit_pack", replace(PACK, establishments=BRANCHES, record_number="ACT-INS-R11-2026-000099"))
    )
    assert "marque el visitado" in several and "Ruta PY02 km 22" in several and "000099" in several


# What is missing

HEADINGS = (
    "Situación observada",
    "Aviso dejado",
    "Propuesta",
    "Diligencias practicadas",
    "Advertencia",
    "Auxilio",
    "Testigos",
    "Calificación",
    "Registros fotográficos",
    "Entrega",
    "Condiciones",
    "Relato",
    "Resultado en conjunto",
    "Medidas dispuestas",
    "Antecedentes que se acompañan",
    "Circunstancias",
    "Observaciones",
    "Sugerencia",
    "Normas examinadas",
    "Recomendaciones",
    "Documentos examinados",
)


@pytest.mark.parametrize("code", [code for code in ALL if code not in ("visit_pack", "roster")])
def test_empty_parts_leave_no_heading_no_row_and_no_gap_in_the_numbers(code: str) -> None:
    letter = bare(ALL[code])
    if isinstance(letter, letters.FailedVisitLetter):
        letter = replace(letter, attempts=())
    html = letters.compose(REGISTERED[code][1], letter.as_context())
    assert "None" not in html
    told = {"INF-FIN": ("Propuesta",), "ACT-INS": ("Medidas dispuestas",)}.get(code, ())
    for heading in re.findall(r"<(?:h2|th[^>]*title\")>(?:\d+\. )?(.*?)</", html):
        assert not heading.startswith(HEADINGS) or heading in told, heading
    numbers = [int(number) for number in re.findall(r"<(?:h2|th[^>]*title\")>(\d+)\.", html)]
    articles = [int(number) for number in re.findall(r"Artículo (\d)°\.", html)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert articles == list(range(1, len(articles) + 1))
    assert not re.search(
        r"<table[^>]*>\s*</table>|<h2>[^<]*</h2>\s*(<h2>|<div class=\"keep\">\s*<p class=\"(basis|closing))",
        html,
    )
    assert words(render.render(html, title=code, images=QR))


@pytest.mark.parametrize("code", ALL)
def test_draft_says_so_and_has_no_number(code: str) -> None:
    letter = ALL[code]
    draft = made(code, replace(letter, paper=replace(letter.paper, number=None)))
    for page in pages(draft):
        assert "BORRADOR" in page
    text = words(draft)
    assert letter.paper.number is not None
    assert f"N° {letter.paper.number}" not in text and "K7QM" not in text


# Hostile and long

HOSTILE = "<script>alert(1)</script> {{7*7}} {% raw %} <b>x</b> & \"y\" </table></div> <img src='http://x/'> ]]> Ñandutĩ"


@pytest.mark.parametrize("code", ALL)
def test_hostile_text_is_printed_as_it_was_written(code: str) -> None:
    context: Any = replaced(ALL[code].as_context(), HOSTILE)
    pdf = render.render(letters.compose(REGISTERED[code][1], context), title=code, images=QR)
    text = squeezed(words(pdf))
    assert squeezed(HOSTILE) in text


@pytest.mark.parametrize("code", ALL)
def test_very_long_words_are_printed_whole(code: str) -> None:
    word = "Ñandutĩ" * 40
    context: Any = replaced(ALL[code].as_context(), word)
    assert squeezed(word) in squeezed(
        words(render.render(letters.compose(REGISTERED[code][1], context), title=code, images=QR))
    )


def sizes(pdf: bytes) -> set[float]:
    """The sizes at which text is shown: what was shrunk to fit is smaller than any of the style sheet."""
    found: set[float] = set()

    def seen(text: str, outer: list[float], inner: list[float], _font: object, size: float) -> None:
        if text.strip():
            found.add(round(abs(size * inner[3] * outer[3]), 1))

    for page in pypdf.PdfReader(io.BytesIO(pdf)).pages:
        page.extract_text(visitor_text=seen)
    return found


FREE = {
    *(
        "facts",
        "norm",
        "reason",
        "says",
        "should_say",
        "action",
        "result",
        "obligation",
        "remark",
        "evidence",
    ),
    *("state", "remedy", "qualification", "antecedent", "analysis", "conclusion", "grounds", "narrative"),
    *(
        "employer_statement",
        "statement",
        "background",
        "recommendations",
        "norms",
        "text",
        "removed",
        "found",
    ),
}


def stretched(value: Any, text: str, key: str = "") -> Any:
    """The same context with `text` wherever a person may write as much as he likes."""
    if isinstance(value, dict):
        return {name: stretched(item, text, name) for name, item in value.items()}
    if isinstance(value, list):
        return [stretched(item, text, key) for item in value]
    return text if isinstance(value, str) and key in FREE else value


@pytest.mark.parametrize("code", [code for code in ALL if code != "visit_pack"])
def test_text_longer_than_a_page_goes_on_in_the_same_print(code: str) -> None:
    """Left alone, the layout shrinks a cell to the page, to letters that nobody can read."""
    text = "Se constató que la persona trabajadora no estaba inscripta. " * 100
    context = stretched(ALL[code].as_context(), text)
    pdf = render.render(letters.compose(REGISTERED[code][1], context), title=code, images=QR)
    # A sentence may be cut by the foot and the head of a page.
    often = repr(context).count("no estaba inscripta")
    assert words(pdf).count("no estaba inscripta") >= often - 3 * len(pages(pdf))
    assert min(sizes(pdf)) >= 6.5


def test_roster_of_two_hundred_goes_over_pages_with_its_head() -> None:
    many = tuple(letters.Worker(f"Trabajador {n:03d} Ñamandu", str(4000000 + n)) for n in range(1, 201))
    pdf = made("roster", replace(ROSTER, rosters=(letters.Roster("Sin IPS", many),)))
    found = pages(pdf)
    assert (
        "Trabajador 001" in found[0]
        and len(found) > 3
        and all(f"Trabajador {n:03d}" in " ".join(found) for n in range(1, 201))
    )
    assert all("Nombre y apellido" in page for page in found)
    assert "Trabajadores afectados: 200" in words(pdf) and "subsisten" not in words(pdf)
    assert min(sizes(pdf)) >= 6.5


def test_photographs_are_shown_in_the_records_that_take_them() -> None:
    shot = images.safe_image(picture("JPEG", "RGB", (800, 600)))
    photo = letters.Photo("shot", "Portón cerrado", "ab" * 32, MOMENT)
    for code in ("ACT-NEG", "ACT-OBS", "ACT-VER"):
        letter = replace(SAMPLES[code], photos=(photo,))  # type: ignore[call-arg]
        assert "Portón cerrado, 26/11/2026 11:45" in words(made(code, letter, pictures={"shot": shot}))
