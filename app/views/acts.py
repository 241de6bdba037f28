"""The acts of the trail in words: each verb as people say it, and the verbs that some words mean."""

from collections.abc import Mapping
from functools import cache

from app.core.base import metadata
from app.core.errors import Missing
from app.core.types import fold
from app.operations import audit, procedures

WORDS = {
    "create": "alta",
    "add": "alta",
    "change": "modificación",
    "write": "modificación",
    "remove": "baja",
    "read": "lectura",
    "export": "descarga",
    "verify": "verificación",
    "sign": "firma",
    "attach": "archivo agregado",
    "answer": "respuestas",
    "count": "cantidad de trabajadores",
    "plan": "programación",
    "start": "inicio",
    "open": "comienzo",
    "close": "fin",
    "begin": "comienzo",
    "end": "fin",
    "reset": "vuelta al comienzo",
    "sql": "cambio directo en la base de datos",
    "load": "carga",
    "import": "importación",
    "layout": "lectura de columnas",
    "trial": "prueba",
    "stop": "interrupción",
    "beat": "señal de vida",
    "undo": "se deshizo",
    "register": "alta",
    "identify": "identificación",
    "merge": "unión",
    "districts": "distritos",
    "member": "integrantes",
    "password": "contraseña",
    "forgotten": "contraseña olvidada",
    "recover": "contraseña recuperada",
    "code": "código de un solo uso",
    "link": "enlace enviado",
    "unsent": "no se envió",
    "refused": "rechazo",
    "use": "uso",
    "use_on_paper": "número usado en papel",
    "off": "desactivación",
    "confirm": "confirmación",
    "ask": "pedido",
    "request": "pedido",
    "ask_reset": "pedido de restablecer",
    "refuse_reset": "restablecimiento rechazado",
    "renew": "renovación",
    "revoke": "revocación",
    "restore": "restauración",
    "synchronise": "permisos al día",
    "publish": "publicación",
    "move": "cambio de hora",
    "review": "revisión",
    "watch": "vigilancia",
    "extend": "prórroga",
    "recount": "nuevo cálculo",
    "tell": "aviso enviado",
    "annul": "anulación",
    "issue": "emisión",
    "print": "impresión",
    "print_substitution": "impresión de la sustitución",
    "reserve": "reserva de número",
    "store": "archivo guardado",
    "scan": "carpeta firmada",
    "create_several": "alta de varias",
    "authorise_entry": "autorización para entrar",
    "substitute": "sustitución de inspectores",
    "revise": "modificación",
    "discard": "descarte",
    "require": "requerimiento",
    "prepare": "preparación",
    "deliver": "entrega",
    "deliver_all": "entregas",
    "file": "presentación",
    "conclude": "conclusión",
    "add_workers": "nómina",
    "remove_worker": "retiro de la nómina",
    "accept": "aceptación",
    "refuse": "rechazo",
    "decide": "resolución",
    "withdraw": "retiro",
    "withdraw_file": "retiro de una prueba",
    "withdraw_signatures": "retiro de firmas",
    "confirm_signature": "firma confirmada",
    "sign_party": "firma de una parte",
    "presence": "presencia",
    "hand_over": "entrega de la copia",
    "correct": "corrección",
    "prove_by_paper": "prueba en papel",
    "catalogues": "catálogos",
    "document_types": "tipos de documento",
    "inspections": "inspecciones",
    "offices": "oficinas",
    "registry": "registro",
    "staff": "personal",
    "territory": "territorio",
    "columns": "columnas elegidas",
    "drop": "filtro guardado que se quita",
    "keep": "filtro que se guarda",
    "done": "fin",
    "demo": "demostración",
    "clone": "copia",
    "take_in": "lectura de un archivo",
    "own_days": "días propios",
    "propose": "propuesta",
    "retire": "retiro",
    "head": "datos",
    "process": "proceso",
    "state": "estado",
    "split": "estado intercalado",
    "drop_state": "estado quitado",
    "drop_move": "paso quitado",
    "drop_term": "plazo quitado",
    "shift": "orden",
    "field": "dato",
    "section": "sección",
    "drop_section": "sección quitada",
    "question": "pregunta",
    "drop_question": "pregunta quitada",
    "put_letter": "texto de un documento",
    "drop_field": "dato quitado",
    "extra": "otros datos",
}
"""The last word of a verb; a step of the procedure has its own code."""
WHOLE = {
    "session.open": "entrada",
    "session.close": "salida",
    "account.reset": "contraseña provisoria",
    "second_factor.reset": "restablecimiento",
}
"""A verb whose last word says another thing elsewhere."""
ABOUT = {
    "order": "Orden",
    "report": "Informe final",
    "session": "Sesión",
    "audit": "Rastro",
    "seed": "Datos iniciales",
    "training": "Capacitación",
    "account": "Cuenta",
    "backup": "Copia de respaldo",
    "clock": "Reloj",
    "demo": "Carga para medir",
    "file": "Archivo",
    "group": "Grupo",
    "list": "Lista",
    "merge": "Unión de duplicados",
    "move": "Acto retenido",
    "procedure": "Procedimiento",
    "recovery": "Acceso",
    "register": "Importación del registro",
    "role": "Función",
    "roster": "Nómina",
    "security": "Seguridad",
    "signing": "Firma",
    "api_key": "Llave de máquina",
    "second_factor": "Segundo factor",
    "transfer": "Pase de expediente",
}
"""What a verb is about, where that is no table."""

NAMED = {
    "account": "change create forgotten password recover reset",
    "api_key": "create renew revoke",
    "audit": "export verify",
    "backup": "ask restore",
    "checklist": "clone discard drop_question drop_section publish question section shift",
    "clock": "move",
    "demo": "load",
    "document": "annul issue print reserve use_on_paper",
    "employer": "change identify merge register",
    "establishment": "change merge register",
    "file": "store",
    "finding": (
        "add_workers conclude confirm deliver deliver_all discard file prepare remove_worker "
        "require revise verify"
    ),
    "group": "change create member remove",
    "installation": "create",
    "merge": "undo",
    "move": "review",
    "notice": "read tell",
    "office": "create districts merge",
    "order": "authorise_entry change create create_several print_substitution substitute",
    "list": "columns drop keep",
    "procedure": "discard own_days propose publish retire",
    "recovery": "code link refused unsent",
    "register": "beat begin end import layout load stop trial undo",
    "report": "write",
    "role": "change create remove",
    "roster": "print",
    "second_factor": "ask_reset confirm off refuse_reset renew reset start use",
    "security": "synchronise",
    "seed": "catalogues demo document_types done inspections offices registry staff territory",
    "session": "close open refused",
    "signing": "attach scan",
    "term": "close extend open recount watch",
    "training": "reset",
    "transfer": "accept decide refuse request withdraw",
    "visit": (
        "answer attach confirm_signature correct count hand_over plan presence prove_by_paper "
        "sign sign_party start withdraw_file withdraw_signatures write"
    ),
}
"""What the code does under a name of its own: subject -> what is done to it."""

OFTEN = ("create", "change", "remove", "export")
"""What any screen does to what it keeps."""
MOST = 12
"""Verbs that some words may mean before one has to be chosen."""


@cache
def labels() -> dict[str, str]:
    """Every table that has a name for people."""
    return {
        table.name: label
        for table in metadata.tables.values()
        if isinstance(label := getattr(audit.kind_of(table.name), "label", ""), str) and label
    }


def verb_words(verb: str, steps: Mapping[str, str] | None = None) -> str:
    """The verb of an act in words, as far as it has them; `steps` are those of the procedure."""
    about, _, what = verb.rpartition(".")
    label = ABOUT.get(about) or labels().get(about) or about.replace("_", " ")
    words = (steps or {}).get(verb) or WHOLE.get(verb) or WORDS.get(what) or what.replace("_", " ")
    return f"{label}: {words}" if label else words


def steps() -> dict[str, str]:
    """The steps of the procedure in force, as verbs."""
    try:
        processes = procedures.version_in_force().processes
    except Missing:
        return {}
    return {
        f"{process.code}.{move.code}": move.label[:1].lower() + move.label[1:]
        for process in processes
        for move in process.moves
    }


def known() -> dict[str, str]:
    """Every verb that somebody may look for, with its words, by the alphabet."""
    of_procedure = steps()
    named = [f"{about}.{what}" for about, words in NAMED.items() for what in words.split()]
    usual = [f"{table}.{what}" for table in labels() for what in OFTEN]
    found = {verb: verb_words(verb, of_procedure) for verb in (*named, *usual, *of_procedure, "sql")}
    return dict(sorted(found.items(), key=lambda each: fold(each[1])))


def meant(words: str) -> dict[str, str]:
    """The verbs, with their words, that are meant: a code, exactly these words, or all that hold them."""
    verbs, wanted = known(), fold(words)
    if words in verbs:
        return {words: verbs[words]}
    exact = {verb: said for verb, said in verbs.items() if fold(said) == wanted}
    held = {verb: said for verb, said in verbs.items() if all(part in fold(said) for part in wanted.split())}
    return exact or held
