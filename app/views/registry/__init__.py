"""Screens of the registry: employers, establishments and what hangs on them; workers; doubles."""

from app.views.registry.details import ContactView, HeadcountView, PatronalNumberView
from app.views.registry.employers import EmployerView
from app.views.registry.establishments import EstablishmentView
from app.views.registry.merges import DuplicatesView
from app.views.registry.workers import WorkerView

__all__ = [
    "ContactView",
    "DuplicatesView",
    "EmployerView",
    "EstablishmentView",
    "HeadcountView",
    "PatronalNumberView",
    "WorkerView",
]
