"""Lists as people keep them: filters under a name, and the columns that somebody sees."""

from __future__ import annotations

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped

from app.core.base import Identified, Model, Stamped, field


class SavedList(Identified, Stamped, Model):
    """With a name: the filters and the order of a list, its owner's or shared with an office. Without: the
    columns of a list that its owner sees. It keeps an address, never rows: who opens it sees his own."""

    __tablename__ = "saved_list"
    __table_args__ = (
        CheckConstraint("(name IS NULL) = (columns IS NOT NULL)", name="name_or_columns"),
        CheckConstraint("name IS NOT NULL OR office_id IS NULL", name="shared_by_name"),
        Index(
            "uq_saved_list_name",
            "account_id",
            "screen",
            "name",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index(
            "ix_saved_list_office_id", "office_id", "screen", postgresql_where=text("office_id IS NOT NULL")
        ),
    )
    label, label_plural = "Lista guardada", "Listas guardadas"

    account_id: Mapped[int] = field(
        ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False, label="Dueño"
    )
    screen: Mapped[str] = field(Text, nullable=False, label="Pantalla")
    name: Mapped[str | None] = field(Text, label="Nombre", help="Vacío: son las columnas elegidas.")
    address: Mapped[str] = field(
        Text, nullable=False, server_default=text("''"), default="", label="Filtros y orden"
    )
    columns: Mapped[list[str] | None] = field(ARRAY(Text), label="Columnas")
    office_id: Mapped[int | None] = field(ForeignKey("office.id"), label="Compartida con la oficina")
