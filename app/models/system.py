"""The installation itself: one row that says what this database is for and what time it plays.

Written by `flask init`; starting with another environment is refused, so that training data and real cases
never meet in one database.
"""

from datetime import datetime, timedelta

from sqlalchemy import Boolean, CheckConstraint, DateTime, Interval, Text, func, text
from sqlalchemy.orm import Mapped

from app.core.base import Model, field


class Installation(Model):
    """The only row of its table."""

    __tablename__ = "installation"
    __table_args__ = (
        CheckConstraint("single", name="single_row"),
        CheckConstraint("environment IN ('training', 'production')", name="environment"),
        CheckConstraint("environment = 'training' OR clock_offset = interval '0'", name="clock"),
    )
    label, label_plural = "Instalación", "Instalaciones"

    single: Mapped[bool] = field(
        Boolean, primary_key=True, server_default=text("true"), default=True, label="Única fila"
    )
    environment: Mapped[str] = field(Text, nullable=False, label="Entorno")
    clock_offset: Mapped[timedelta] = field(
        Interval,
        nullable=False,
        server_default=text("interval '0'"),
        label="Adelanto del reloj",
        help="Solo en capacitación.",
    )
    seeds_digest: Mapped[str | None] = field(Text, label="Huella de los datos iniciales")
    created_at: Mapped[datetime] = field(
        DateTime(timezone=True), nullable=False, server_default=func.now(), label="Creada"
    )
