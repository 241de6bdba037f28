"""Letters as data, and the sandbox that turns a template and its data into HTML.

    frame.py     what all letters have
    order.py     the order, its inspectors, its validity
    record.py    the records of visits and their correction
    remedy.py    what must be remedied, until when, whether it was
    report.py    report, infraction, review, opinion, ruling, roster of workers
    pack.py      what is filled in by hand
    compose.py   templates, escaping

One dataclass per letter; comments name the field of the ministry's procedure that each serves. Templates get
plain dicts, lists, texts, numbers, days and moments: nothing that reaches a database. Whatever a person
wrote is escaped, always; there is no way to mark text as safe. Interviews and complainants have no field in
any letter.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.documents.letters.compose import TEMPLATES, clean, compose, compose_source, faults, source_of
from app.documents.letters.frame import Employer, Establishment, Letter, Paper, Person, Signature
from app.documents.letters.order import Departure, OrderExtensionLetter, OrderLetter, TeamChangeLetter
from app.documents.letters.pack import PackChecklist, PackQuestion, PackSection, VisitPack
from app.documents.letters.record import (
    Answer,
    Attempt,
    Correction,
    CorrectionLetter,
    FailedVisitLetter,
    Finding,
    Headcount,
    Measure,
    ObstructionLetter,
    Photo,
    RecordLetter,
)
from app.documents.letters.remedy import (
    ExtendedTerm,
    Requirement,
    RequirementLetter,
    TermExtensionLetter,
    VerificationLetter,
    Verified,
)
from app.documents.letters.report import (
    Background,
    Charge,
    Concerned,
    FinalReportLetter,
    FindingState,
    InfractionLetter,
    Observation,
    OpinionLetter,
    OrderedAction,
    ReviewLetter,
    Roster,
    RosterAnnex,
    RulingLetter,
    VisitMade,
    Worker,
)
from app.documents.letters.sample import IMAGE, names_of, sample

LETTERS: Final[Mapping[str, tuple[type[Letter], str]]] = MappingProxyType(
    {
        "OI": (OrderLetter, "order.html"),
        "OI-SUS": (TeamChangeLetter, "team_change.html"),
        "OI-PRO": (OrderExtensionLetter, "order_extension.html"),
        "ACT-INS": (RecordLetter, "inspection_record.html"),
        "ACT-NEG": (FailedVisitLetter, "failed_visit.html"),
        "ACT-OBS": (ObstructionLetter, "obstruction.html"),
        "ACT-COM": (CorrectionLetter, "correction.html"),
        "REQ-REG": (RequirementLetter, "requirement.html"),
        "PRO": (TermExtensionLetter, "term_extension.html"),
        "ACT-VER": (VerificationLetter, "verification.html"),
        "INF-FIN": (FinalReportLetter, "final_report.html"),
        "ACT-INF": (InfractionLetter, "infraction.html"),
        "INF-DGIF": (ReviewLetter, "review.html"),
        "DIC": (OpinionLetter, "opinion.html"),
        "PRV-ARC": (RulingLetter, "ruling.html"),
    }
)
"""Code of a document type: its data and its shipped template."""

SHEETS: Final[Mapping[str, tuple[type[Letter], str]]] = MappingProxyType(
    {"roster": (RosterAnnex, "roster.html"), "visit_pack": (VisitPack, "visit_pack.html")}
)
"""What is printed under the number of another document, and has no series of its own."""

__all__ = [
    "IMAGE",
    "Answer",
    "Attempt",
    "Background",
    "Charge",
    "Concerned",
    "Correction",
    "CorrectionLetter",
    "Departure",
    "Employer",
    "Establishment",
    "ExtendedTerm",
    "FailedVisitLetter",
    "FinalReportLetter",
    "Finding",
    "FindingState",
    "Headcount",
    "InfractionLetter",
    "LETTERS",
    "Letter",
    "Measure",
    "Observation",
    "ObstructionLetter",
    "OpinionLetter",
    "OrderExtensionLetter",
    "OrderLetter",
    "OrderedAction",
    "PackChecklist",
    "PackQuestion",
    "PackSection",
    "Paper",
    "Person",
    "Photo",
    "RecordLetter",
    "Requirement",
    "RequirementLetter",
    "ReviewLetter",
    "Roster",
    "RosterAnnex",
    "RulingLetter",
    "SHEETS",
    "Signature",
    "TEMPLATES",
    "TeamChangeLetter",
    "TermExtensionLetter",
    "VerificationLetter",
    "Verified",
    "VisitMade",
    "VisitPack",
    "Worker",
    "clean",
    "compose",
    "compose_source",
    "faults",
    "names_of",
    "sample",
    "source_of",
]
