"""Who may enter: users, the offices they serve, their sessions and attempts, their ways back in, their roles.

A session is a row, so that any node can verify it and anybody entitled can end it; only the hash of its token
is stored. Triggers end the sessions of a user whose password, state, roles or groups change, whoever changes
them (see the migrations).
"""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from flask_appbuilder.security.sqla.models import User as FabUser
from sqlalchemy import Boolean, CheckConstraint, Date, DateTime, ForeignKey, Index, Integer, Text, func, text
from sqlalchemy.orm import Mapped, relationship

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field
from app.models.catalogs import Office


class Account(FabUser):
    """A person with an account. Flask-AppBuilder's table, with what the ministry needs beside it."""

    __tablename__ = "ab_user"
    label, label_plural = "Usuario", "Usuarios"

    uuid: Mapped[UUID] = field(
        unique=True,
        nullable=False,
        server_default=text("gen_random_uuid()"),
        label="Identificador público",
    )
    must_change_password: Mapped[bool] = field(
        Boolean,
        nullable=False,
        server_default=text("false"),
        default=False,
        label="Debe cambiar la contraseña",
        help="Al entrar, antes de cualquier otra cosa.",
    )
    words: ClassVar[dict[str, str]] = {
        "username": "Usuario",
        "first_name": "Nombre",
        "last_name": "Apellido",
        "email": "Correo electrónico",
        "active": "Activa",
        "password": "Contraseña",
        "must_change_password": "Debe cambiar la contraseña",
    }
    """Labels of the columns that Flask-AppBuilder declared."""

    offices: Mapped[list["UserOffice"]] = relationship(
        back_populates="user", foreign_keys="UserOffice.user_id"
    )


class UserOffice(Identified, Stamped, Model):
    """The office that a user serves, from a date to a date."""

    __tablename__ = "user_office"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),
        Index(
            "uq_user_office_open",
            "user_id",
            "office_id",
            unique=True,
            postgresql_where=text("valid_to IS NULL"),
        ),
    )
    label, label_plural = "Oficina del usuario", "Oficinas de los usuarios"

    user_id: Mapped[int] = field(ForeignKey("ab_user.id"), nullable=False, index=True, label="Usuario")
    office_id: Mapped[int] = field(ForeignKey("office.id"), nullable=False, index=True, label="Oficina")
    valid_from: Mapped[date] = field(Date, nullable=False, label="Desde")
    valid_to: Mapped[date | None] = field(Date, label="Hasta")

    user: Mapped[Account] = relationship(back_populates="offices", foreign_keys=[user_id])
    office: Mapped[Office] = relationship()


class LoginSession(Model):
    """A session of a user on one device. Not traced: it is a counter of presence, not a record."""

    __tablename__ = "login_session"
    label, label_plural = "Sesión", "Sesiones"

    token_hash: Mapped[str] = field(Text, primary_key=True, label="Huella de la sesión", secret=True)
    user_id: Mapped[int] = field(
        ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False, index=True, label="Usuario"
    )
    created_at: Mapped[datetime] = field(
        DateTime(timezone=True), nullable=False, server_default=func.now(), label="Inicio"
    )
    seen_at: Mapped[datetime] = field(
        DateTime(timezone=True), nullable=False, server_default=func.now(), label="Última actividad"
    )
    ends_at: Mapped[datetime] = field(DateTime(timezone=True), nullable=False, index=True, label="Vence")
    address: Mapped[str | None] = field(Text, label="Dirección de red", personal=True)
    device: Mapped[str | None] = field(Text, label="Equipo", help="Navegador y sistema que se anuncian.")


class LoginFailure(Model):
    """Attempts to enter with a (user name, address) pair: failures delay that pair alone, never the account.

    `name_hash` is a hash, so that a password typed in the wrong box is not kept. A pair that succeeded
    once is remembered: what strangers do at the same address does not stop it.
    """

    __tablename__ = "login_failure"
    label, label_plural = "Intento de entrar", "Intentos de entrar"

    name_hash: Mapped[str] = field(Text, primary_key=True, label="Huella del nombre")
    address: Mapped[str] = field(Text, primary_key=True, label="Dirección de red", personal=True)
    failures: Mapped[int] = field(Integer, nullable=False, server_default=text("0"), label="Intentos")
    last_at: Mapped[datetime] = field(
        DateTime(timezone=True), nullable=False, server_default=func.now(), index=True, label="Último"
    )
    succeeded_at: Mapped[datetime | None] = field(
        DateTime(timezone=True), label="Última entrada", help="Desde esa dirección con ese nombre."
    )


class Way(Choice):
    """How a person who forgot the password comes back in."""

    LINK = "link", "Enlace por correo"
    CODE = "code", "Código impreso"


class Recovery(Identified, Model):
    """A single-use way back into an account: a link sent by mail, or a code handed over on paper.

    Only the hash is kept: SHA-256 of a link (256 random bits), scrypt of a code (short enough to be typed).
    """

    __tablename__ = "account_recovery"
    __table_args__ = (
        choice_check("way", Way),
        CheckConstraint("ends_at > created_at", name="dates"),
    )
    label, label_plural = "Recuperación de la contraseña", "Recuperaciones de contraseñas"

    user_id: Mapped[int] = field(
        ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False, index=True, label="Usuario"
    )
    way: Mapped[str] = field(Text, nullable=False, label="Medio", choices=Way)
    secret_hash: Mapped[str] = field(Text, nullable=False, unique=True, label="Huella", secret=True)
    created_at: Mapped[datetime] = field(
        DateTime(timezone=True), nullable=False, server_default=func.now(), label="Emitido"
    )
    created_by_id: Mapped[int | None] = field(ForeignKey("ab_user.id"), index=True, label="Emitido por")
    ends_at: Mapped[datetime] = field(DateTime(timezone=True), nullable=False, label="Vence")
    used_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Usado")
    void_at: Mapped[datetime | None] = field(
        DateTime(timezone=True),
        label="Sin efecto desde",
        help="Por otro posterior o por un cambio de contraseña.",
    )


class DerivedRole(Stamped, Model):
    """What the ministry's own role was copied from; its grants are rows beside `ab_role`."""

    __tablename__ = "derived_role"
    label, label_plural = "Función derivada", "Funciones derivadas"

    role_id: Mapped[int] = field(
        ForeignKey("ab_role.id", ondelete="CASCADE"), primary_key=True, label="Función"
    )
    base: Mapped[str] = field(
        Text, nullable=False, label="Función de base", help="En el procedimiento actúa como ella."
    )
    description: Mapped[str | None] = field(Text, label="Para qué", long=True)
