"""The life of a procedure version before and after it rules: draft, proposed, published, retired.

A draft is changed as a whole, by the pure functions of `workflow.editing`; only the rows that differ are
written. A published version is frozen (triggers); cases that began on it stay on it. The version in force is
the latest one published by then, so retiring one gives new cases the one before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from itertools import chain, count
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm.attributes import flag_modified

from app.core import clock
from app.core.base import Model, Session
from app.core.errors import Missing, RuleBroken, Stale
from app.documents import letters
from app.documents.render import RenderFailed, render_letter
from app.documents.verify import qr_png
from app.models import procedures as rows
from app.models.documents import DocumentType
from app.models.norms import Parameter
from app.operations import procedures
from app.operations.parameters import parameter
from app.operations.procedures import PUBLISHED, columns_of, process_columns, reread, write
from app.operations.unit import act
from app.security.principal import current
from app.workflow import definition, editing
from app.workflow.definition import ProcedureVersion, Process, Transition

DRAFT = rows.VersionStatus.DRAFT.value
RETIRED = rows.VersionStatus.RETIRED.value
TWO_PERSONS = "PUBLICACION_DOS_PERSONAS"


@dataclass(frozen=True)
class Check:
    """What is wrong with a draft, in words; `blocks` says whether it cannot be published so."""

    words: str
    blocks: bool = True


def clone(source: str, code: str, name: str, basis: str, valid_from: date) -> str:
    """A draft equal to a version, under another number; its code. Raises Missing, RuleBroken."""
    read = procedures.version(source)
    if read.historical:
        raise RuleBroken("La versión histórica no tiene pasos: copie otra.", field="code")
    draft = replace(
        read,
        code=code.strip(),
        name=name.strip(),
        basis=basis.strip(),
        valid_from=valid_from,
        valid_to=None,
        transition=Transition.NEW_FILES,
        transition_basis="",
        transition_source=definition.Source.UNVERIFIED,
        notes=f"Copia de {source}.",
    )
    return _new(draft, "procedure.clone", f"Copia de {source}")


def take_in(read: ProcedureVersion) -> str:
    """A draft from a file; its code. Raises RuleBroken when the code is taken or the file is not sound."""
    return _new(replace(read, valid_to=None, historical=False), "procedure.take_in", "Desde un archivo")


def _new(draft: ProcedureVersion, verb: str, reason: str) -> str:
    sound = 0 < len(draft.code) <= 40 and all(c.isalnum() or c in "-_." for c in draft.code)
    if not sound or not draft.code[0].isalnum() or draft.code in ("list", "traer"):  # it is an address too
        raise RuleBroken("El número lleva letras, cifras y guiones, por ejemplo 2027-015.", field="code")
    with act(verb, reason=reason):
        if Session.get(rows.ProcedureVersion, draft.code) is not None:
            raise RuleBroken(f"Ya hay una versión «{draft.code}»: use otro número.", field="code")
        write(draft, status=DRAFT)
    return draft.code


def change(code: str, seen: int, verb: str, edit: Callable[[ProcedureVersion], ProcedureVersion]) -> None:
    """Change a draft. `seen` is the counter that the person saw; `verb` names the act (`procedure.<verb>`).

    Raises Missing, Stale (another person changed it), RuleBroken (it is no draft, or the edit cannot be).
    """
    with act(f"procedure.{verb}"):
        head = _draft(code, seen)
        before = reread(head)
        after = edit(before)
        if after == before:
            return
        _sync(head, before, after)
        head.proposed_by_id = None  # what was proposed is no longer what stands here
        head.updated_by_id = current().account_id
        flag_modified(head, "notes")  # the counter moves even when only parts changed
        Session.flush()


def discard(code: str, seen: int, reason: str) -> None:
    """Throw a draft away. The trail keeps what it said."""
    if not reason.strip():
        raise RuleBroken("Escriba por qué se descarta el borrador.", field="reason")
    with act("procedure.discard", reason=reason.strip()):
        head = _draft(code, seen)
        for kind in (rows.ProcedureMove, rows.ProcedureField, rows.ProcedureTerm, rows.ProcedureState):
            Session.execute(delete(kind).where(kind.version_code == code))
        Session.execute(delete(rows.ProcedureLetter).where(rows.ProcedureLetter.version_code == code))
        Session.execute(delete(rows.ProcedureProcess).where(rows.ProcedureProcess.version_code == code))
        Session.delete(head)
        Session.flush()


def own_days(code: str, seen: int, process: str, term: str, days: int, basis: str) -> None:
    """Give a term of a draft a number of days of its own, from the day on which the version rules.

    The number is a parameter of its own, with its date and legal basis: that of the former versions stays.
    """
    with act("procedure.own_days"):
        head = _draft(code, seen)
        before = reread(head)
        kind = before.process(process).term(term)
        if not 0 < days <= 3650:
            raise RuleBroken("Los días van de 1 a 3650.", field="days")
        if not basis.strip():
            raise RuleBroken("Escriba la norma que fija esos días.", field="basis")
        name = _own_parameter(code, process, kind)
        model = Session.scalar(
            select(Parameter)
            .where(Parameter.code == kind.parameter)
            .order_by(Parameter.valid_from.desc())
            .limit(1)
        )
        if model is None:
            raise RuleBroken(f"El parámetro {kind.parameter} no existe.", field="days")
        own = Session.scalar(select(Parameter).where(Parameter.code == name))
        if own is None:
            own = Parameter(
                code=name,
                value_type=model.value_type,
                unit=model.unit,
                description=f"{model.description} (versión {code})"[:500],
                verification=model.verification,
            )
            Session.add(own)
        own.value, own.valid_from, own.legal_basis = str(days), before.valid_from, basis.strip()
        head.proposed_by_id = None  # other days are another proposal
        flag_modified(head, "notes")
        Session.flush()
        if kind.parameter != name:
            change(code, head.version, "own_days", lambda v: _with_parameter(v, process, term, name))


def _own_parameter(code: str, process: str, kind: definition.TermType) -> str:
    """A name that no other term of any version uses: the one that the term has, when it is so."""
    suffix = "__" + "".join(c if c.isascii() and c.isalnum() else "_" for c in code.upper())
    stem = kind.parameter.partition("__")[0]
    ends = chain([""], (f"_{number}" for number in count(2)))
    fresh = (f"{stem[: 60 - len(suffix + end)]}{suffix}{end}" for end in ends)
    kept = [kind.parameter] if suffix in kind.parameter else []
    mine = {(code, process, kind.code)}
    return next(name for name in chain(kept, fresh) if _users(name) <= mine)


def _users(name: str) -> set[tuple[str, str, str]]:
    """The terms that a parameter gives days to: (version, process, term)."""
    term = rows.ProcedureTerm
    named = or_(term.parameter == name, term.alerts_parameter == name, term.extension_parameter == name)
    query = select(term.version_code, term.process_code, term.code).where(named)
    return set(Session.execute(query).tuples())


def _with_parameter(version: ProcedureVersion, process: str, term: str, name: str) -> ProcedureVersion:
    kind = version.process(process).term(term)
    return editing.put_term(version, process, replace(kind, parameter=name), old=term)


def checks(version: ProcedureVersion) -> list[Check]:
    """Everything to be known before a version is published, what blocks it first."""
    found = [Check(words) for words in definition.problems(version)]
    known = set(Session.scalars(select(DocumentType.code)))
    for process in version.processes:
        for move in process.moves:
            found += [
                Check(f"{process.name}: el paso «{move.label}» emite «{letter}», que no es un documento.")
                for letter in move.letters
                if letter not in known
            ]
        for term in process.terms:
            for name in filter(None, (term.parameter, term.alerts_parameter, term.extension_parameter)):
                found += _parameter_checks(process, term, name, version.valid_from)
    for each in version.letters:
        found += [Check(f"Texto de {each.code}: {words}") for words in letter_faults(each.code, each.source)]
    found += _stranded(version)
    sources = [
        part.source
        for process in version.processes
        for parts in (process.states, process.terms, process.moves)
        for part in parts
    ]
    unverified = sources.count(definition.Source.UNVERIFIED)
    if unverified:
        found.append(
            Check(f"{unverified} partes están por verificar: su respaldo legal no se conoce.", False)
        )
    return sorted(found, key=lambda check: not check.blocks)


def letter_faults(code: str, source: str) -> list[str]:
    """What is wrong with the text of a kind of document, each with its line."""
    if code not in letters.LETTERS:
        return ["El sistema no emite este documento."]
    kind, _ = letters.LETTERS[code]
    return letters.faults(source, {each.name for each in fields(kind)})


def sample_pdf(code: str, source: str) -> bytes:
    """A text printed with the names of its own data. Raises RuleBroken with why it cannot be printed."""
    kind, _ = letters.LETTERS[code]
    context = letters.sample(kind).as_context() | {"extra": {}}
    try:
        images = {letters.IMAGE: qr_png("MODELO")}
        return render_letter(source, context, title=f"Modelo de {code}", watermark="MODELO", images=images)
    except RenderFailed as error:
        why = f" ({error.detail})" if error.detail else ""
        raise RuleBroken(f"No se pudo imprimir con datos de ejemplo: {error}{why}", field="source") from None


def put_letter(code: str, seen: int, letter: str, source: str | None) -> None:
    """Give a draft its own text of a kind of document; None: the shipped one again. Raises RuleBroken."""
    if source is not None:
        source = source.replace("\r\n", "\n").replace("\x00", "").rstrip() + "\n"
        wrong = letter_faults(letter, source)
        if wrong:
            raise RuleBroken(" ".join(wrong), field="source", reasons=wrong)
        sample_pdf(letter, source)
    change(code, seen, "put_letter", lambda version: editing.put_letter(version, letter, source))


def _parameter_checks(process: Process, term: definition.TermType, name: str, on: date) -> Iterator[Check]:
    try:
        parameter(name, on)
    except Missing:
        yield Check(f"{process.name}: el plazo «{term.name}» usa {name}, sin valor al {on:%d/%m/%Y}.")


def _stranded(version: ProcedureVersion) -> Iterator[Check]:
    """States in which open cases are and that the version does not have; they block it if cases go over."""
    moving = version.transition is not Transition.NEW_FILES
    for process, kind in procedural().items():
        known = {s.code for each in version.processes if each.code == process for s in each.states}
        query = (
            select(kind.state, rows.ProcedureState.name)
            .join(
                rows.ProcedureState,
                (rows.ProcedureState.version_code == kind.version_code)
                & (rows.ProcedureState.process_code == kind.process_code)
                & (rows.ProcedureState.code == kind.state),
            )
            .where(~rows.ProcedureState.final, kind.state.not_in(known))
            .distinct()
        )
        for _, name in Session.execute(query):
            if moving:
                yield Check(
                    f"{kind.label}: hay casos abiertos en «{name}», que esta versión no tiene; con su regla "
                    "transitoria quedarían sin salida. Conserve el estado o elija «solo expedientes nuevos»."
                )
            else:
                yield Check(
                    f"{kind.label}: hay casos abiertos en «{name}», que esta versión no tiene. Siguen en la "
                    "suya hasta el final.",
                    blocks=False,
                )


def procedural() -> dict[str, Any]:
    """The kinds of record that live through a process, by its code."""
    kinds = (mapper.class_ for mapper in Model.registry.mappers)
    return {kind.process: kind for kind in kinds if issubclass(kind, rows.Procedural)}


def needs_two(on: date | None = None) -> bool:
    """Whether one person proposes a version and another publishes it."""
    return parameter(TWO_PERSONS, on or clock.today()) is True


def propose(code: str, seen: int, valid_from: date) -> None:
    """Say that a draft is ready to rule from a day on. Raises RuleBroken with everything that blocks it."""
    with act("procedure.propose"):
        head = _draft(code, seen)
        _date_it(head, valid_from)
        _refuse_blocked(reread(head))
        head.proposed_by_id = current().account_id
        Session.flush()


def publish(code: str, seen: int, valid_from: date | None = None) -> None:
    """Publish a draft: new cases take it from its day on, open ones stay on theirs.

    By a second person when the parameter says so, who does not change its date. Raises RuleBroken.
    """
    with act("procedure.publish"):
        _one_at_a_time()
        head = _draft(code, seen)
        if needs_two():
            if head.proposed_by_id is None:
                raise RuleBroken("Primero alguien la propone con su fecha; después la publica otra persona.")
            if head.proposed_by_id == current().account_id:
                raise RuleBroken("Usted la propuso: la publica otra persona con esa facultad.")
        _date_it(head, valid_from or head.valid_from)
        _refuse_blocked(reread(head))
        head.status = PUBLISHED
        head.updated_by_id = current().account_id
        Session.flush()


def retire(code: str, reason: str) -> None:
    """Take a published version back: new cases get the one before, its end lifted; its own stay on it."""
    if not reason.strip():
        raise RuleBroken("Escriba por qué se retira.", field="reason")
    with act("procedure.retire", reason=reason.strip()):
        _one_at_a_time()
        head = _locked(code)
        if head.status != PUBLISHED or head.historical:
            raise RuleBroken("Solo se retira una versión publicada.")
        former = Session.scalar(
            select(rows.ProcedureVersion)
            .where(
                rows.ProcedureVersion.status == PUBLISHED,
                ~rows.ProcedureVersion.historical,
                rows.ProcedureVersion.code != code,
                rows.ProcedureVersion.valid_from <= clock.today(),
            )
            .order_by(rows.ProcedureVersion.valid_from.desc())
            .limit(1)
            .with_for_update()
        )
        if former is None:
            raise RuleBroken("Es la única que rige: publique otra antes de retirarla.")
        former.valid_to = None
        head.status = RETIRED
        head.updated_by_id = current().account_id
        Session.flush()


def _one_at_a_time() -> None:
    """Which version rules is decided by one act after another; each sees what the one before left."""
    table = rows.ProcedureVersion
    Session.execute(select(table.code).order_by(table.code).with_for_update()).all()


def _date_it(head: rows.ProcedureVersion, valid_from: date) -> None:
    _refuse_past(valid_from)
    taken = select(rows.ProcedureVersion.code).where(
        rows.ProcedureVersion.status == PUBLISHED,
        ~rows.ProcedureVersion.historical,
        rows.ProcedureVersion.valid_from == valid_from,
    )
    other = Session.scalar(taken)
    if other is not None:
        raise RuleBroken(f"Desde ese día ya rige {other}: elija otra fecha.", field="valid_from")
    head.valid_from = valid_from


def _refuse_past(valid_from: date) -> None:
    if valid_from < clock.today():
        raise RuleBroken("Una versión no rige hacia atrás: elija hoy o un día que viene.", field="valid_from")


def _refuse_blocked(version: ProcedureVersion) -> None:
    blocking = [check.words for check in checks(version) if check.blocks]
    if blocking:
        raise RuleBroken("Todavía no se puede publicar: " + " ".join(blocking), reasons=blocking)


def _locked(code: str) -> rows.ProcedureVersion:
    head: rows.ProcedureVersion | None = Session.scalar(
        select(rows.ProcedureVersion)
        .where(rows.ProcedureVersion.code == code)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if head is None:
        raise Missing(f"No hay una versión «{code}» del procedimiento.")
    return head


def _draft(code: str, seen: int) -> rows.ProcedureVersion:
    head = _locked(code)
    if head.status != DRAFT:
        raise RuleBroken("Una versión publicada no se cambia: cópiela a un borrador.")
    if head.version != seen:
        raise Stale(
            "Otra persona cambió este borrador mientras usted lo tenía abierto. No se guardó lo suyo: "
            "vuelva a abrir la página, mire los cambios y repítalo."
        )
    return head


def _sync(head: rows.ProcedureVersion, before: ProcedureVersion, after: ProcedureVersion) -> None:
    """Write what differs between two readings of a draft, in the order that the references allow."""
    if [p.code for p in before.processes] != [p.code for p in after.processes]:
        raise RuleBroken("Los procesos de una versión son los de los registros: no se agregan ni se quitan.")
    _fill(head, columns_of(after, skip=("processes", "letters", "code")))
    _put_letters(head.code, before, after)
    pairs = list(zip(before.processes, after.processes, strict=True))
    for old, new in pairs:
        _remove(rows.ProcedureMove, head.code, old, new, "moves")
    for position, (old, new) in enumerate(pairs):
        if old != new:
            key = (head.code, new.code)
            _fill(Session.get_one(rows.ProcedureProcess, key), process_columns(head.code, position, new))
        _put(rows.ProcedureState, head.code, new, "states")
        _put(rows.ProcedureTerm, head.code, new, "terms")
        _put(rows.ProcedureField, head.code, new, "fields")
        Session.flush()
        _put(rows.ProcedureMove, head.code, new, "moves")
        Session.flush()
    for old, new in pairs:
        _remove(rows.ProcedureState, head.code, old, new, "states")
        _remove(rows.ProcedureTerm, head.code, old, new, "terms")
        _remove(rows.ProcedureField, head.code, old, new, "fields")


def _put_letters(code: str, before: ProcedureVersion, after: ProcedureVersion) -> None:
    now = {each.code: each.source for each in after.letters}
    for gone in {each.code for each in before.letters} - set(now):
        Session.delete(Session.get_one(rows.ProcedureLetter, (code, gone)))
    for letter, source in now.items():
        row = Session.get(rows.ProcedureLetter, (code, letter))
        if row is None:
            row = rows.ProcedureLetter(version_code=code, code=letter)
            Session.add(row)
        _fill(row, {"source": source})
    Session.flush()


def _keys(version: str, process: Process, part: str) -> dict[tuple[str, ...], Any]:
    """The parts of a process by the primary key of their rows."""
    return {
        (version, process.code, *((each.from_state,) if part == "moves" else ()), each.code): each
        for each in getattr(process, part)
    }


def _remove(kind: Any, version: str, old: Process, new: Process, part: str) -> None:
    kept = _keys(version, new, part)
    for key in _keys(version, old, part):
        if key not in kept:
            Session.delete(Session.get_one(kind, key))
    Session.flush()


def _put(kind: Any, version: str, process: Process, part: str) -> None:
    for position, (key, item) in enumerate(_keys(version, process, part).items()):
        row = Session.get(kind, key)
        if row is None:
            row = kind(version_code=version, process_code=process.code)
            Session.add(row)
        _fill(row, {**columns_of(item), "position": position})


def _fill(row: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def tomorrow() -> date:
    """The day after today: the first one that a new version usually rules."""
    return clock.today() + timedelta(days=1)
