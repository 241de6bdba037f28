"""The base of every table: one metadata, one way to declare a column, one session.

This module alone imports Flask-AppBuilder's `Model`; the constraint names are fixed on its metadata before
Flask-AppBuilder's own tables are declared, so that migrations name every constraint the same way.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID, uuid4

from flask_appbuilder import Model as FabModel
from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Integer, Uuid, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, MappedColumn, declared_attr, mapped_column, scoped_session, sessionmaker

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = FabModel.metadata
metadata.naming_convention = NAMING

Session = scoped_session(sessionmaker(autoflush=True, expire_on_commit=False))
"""The session of the running thread; the factory binds it and removes it after every request or command."""


class Choice(StrEnum):
    """A closed list stored as text with a CHECK: each member has its stored value and its Spanish label.

    class OfficeKind(Choice):
        CENTRAL = "central", "Central"
    """

    label: str

    def __new__(cls, value: str, label: str) -> "Choice":
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


class Model(FabModel):
    """A table of ours. `label` and `label_plural` are the Spanish words that every screen shows.

    `rules` gives, for the CHECKs that a person can break, the sentence that says what to do.
    `lookup_columns` are the columns by which a record is looked up (`/lookup/<table>`); without them it is
    not. `lookup_filters` are the columns that may narrow a look-up, `lookup_narrow` the one that a select
    beside it offers, `lookup_load` the relations that its text needs (`lookup_text`, else `str`).
    """

    __abstract__ = True

    label: ClassVar[str] = ""
    label_plural: ClassVar[str] = ""
    rules: ClassVar[dict[str, str]] = {}
    lookup_columns: ClassVar[tuple[str, ...]] = ()
    lookup_filters: ClassVar[tuple[str, ...]] = ()
    lookup_narrow: ClassVar[str] = ""
    lookup_load: ClassVar[tuple[str, ...]] = ()


def field(
    *args: Any,
    label: str,
    help: str = "",
    personal: bool = False,
    secret: bool = False,
    choices: type[Choice] | None = None,
    money: bool = False,
    long: bool = False,
    mask: str = "",
    **options: Any,
) -> MappedColumn[Any]:
    """A column with its Spanish label and help.

    From this one declaration come the form's label and help, the list's header, the database comment, the
    data dictionary, the mark of personal data (`personal`) and the redaction in the audit trail (`secret`:
    only a hash is kept there). `choices` makes the form a select and the list show the label; `money` shows
    an amount as `Gs. 1.234.567`; `long` makes the form a box of several lines; `mask` ("phone", "cedula")
    puts what is typed in order.
    """
    info = {"label": label, "help": help, "personal": personal, "secret": secret, "choices": choices}
    info |= {"money": money, "long": long, "mask": mask}
    comment = f"{label}. {help}" if help else label
    return mapped_column(*args, info=info, comment=comment, **options)


class Identified:
    """Surrogate key, plus a public identifier for records that travel (field client, exchange)."""

    @declared_attr
    def id(cls) -> Mapped[int]:
        return field(Integer, primary_key=True, label="N.º interno")

    @declared_attr
    def uuid(cls) -> Mapped[UUID]:
        return field(
            Uuid,
            unique=True,
            nullable=False,
            default=uuid4,
            server_default=text("gen_random_uuid()"),
            label="Identificador público",
        )


class Stamped:
    """When and by whom a row was made and last changed, and how often (`version`, for lost updates).

    Moments are in UTC; the author is null for the command line, jobs and imports, whose name is in the Act.
    """

    @declared_attr
    def created_at(cls) -> Mapped[datetime]:
        return field(
            DateTime(timezone=True), nullable=False, server_default=func.now(), label="Fecha de carga"
        )

    @declared_attr
    def updated_at(cls) -> Mapped[datetime]:
        return field(
            DateTime(timezone=True),
            nullable=False,
            server_default=func.now(),
            onupdate=func.now(),
            label="Última modificación",
        )

    @declared_attr
    def created_by_id(cls) -> Mapped[int | None]:
        return field(ForeignKey("ab_user.id"), index=True, label="Cargado por")

    @declared_attr
    def updated_by_id(cls) -> Mapped[int | None]:
        return field(ForeignKey("ab_user.id"), index=True, label="Modificado por")

    @declared_attr
    def version(cls) -> Mapped[int]:
        return field(Integer, nullable=False, server_default=text("1"), default=1, label="Versión")

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}


def choice_check(column: str, choices: type[Choice]) -> CheckConstraint:
    """The CHECK that keeps a text column inside its choices."""
    listed = ", ".join(f"'{member.value}'" for member in choices)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def never_twice(name: str, *columns: str, where: str | None = None) -> ExcludeConstraint:
    """No two rows with the same value of these columns stand on one day (`valid_from` to `valid_to`).

    `where` is SQL: only the rows for which it holds count.
    """
    return ExcludeConstraint(
        *((column, "=") for column in columns),
        (text("daterange(valid_from, valid_to, '[]')"), "&&"),
        name=name,
        where=None if where is None else text(where),
        using="gist",
    )
