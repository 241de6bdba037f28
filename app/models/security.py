"""Who may enter: users, the offices they serve, their sessions and attempts, their ways back in, their roles.

A session is a row, so that any node can verify it and anybody entitled can end it; only the hash of its token
is stored. Triggers end the sessions of a user whose password, state, roles or groups change, whoever changes
them (see the migrations).
"""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from flask_appbuilder.security.sqla.models import User as FabUser
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Text,
    func,
    text,
)
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
    directory: Mapped[bool] = field(
        Boolean,
        nullable=False,
        server_default=text("false"),
        default=False,
        label="Se autentica por directorio",
        help="Entra con la contraseña de su computadora del ministerio (LDAP).",
    )
    machine: Mapped[bool] = field(
        Boolean,
        nullable=False,
        server_default=text("false"),
        default=False,
        label="Es una máquina",
        help="Pregunta con su llave y no entra con contraseña.",
    )
    words: ClassVar[dict[str, str]] = {
        "username": "Usuario",
        "first_name": "Nombre",
        "last_name": "Apellido",
        "email": "Correo electrónico",
        "active": "Activa",
        "password": "Contraseña",
        "must_change_password": "Debe cambiar la contraseña",
        "directory": "Se autentica por directorio",
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


class Awaits(Choice):
    """What a session still waits for: nobody has entered with it yet, or he may do nothing else."""

    CODE = "code", "El código del segundo factor"
    ENROLMENT = "enrolment", "La activación del segundo factor"


class LoginSession(Model):
    """A session of a user on one device. Not traced: it is a counter of presence, not a record."""

    __tablename__ = "login_session"
    __table_args__ = (choice_check("awaits", Awaits),)
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
    awaits: Mapped[str | None] = field(
        Text, label="Espera", help="Lo que falta para trabajar con ella.", choices=Awaits
    )


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


class SecondFactor(Identified, Model):
    """The application on a person's telephone that gives a code every 30 seconds (TOTP, RFC 6238).

    The secret is encrypted (security/second_factor.py). Without `confirmed_at` it is being activated and asks
    nobody for anything.
    """

    __tablename__ = "second_factor"
    label, label_plural = "Segundo factor", "Segundos factores"

    user_id: Mapped[int] = field(
        ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False, unique=True, label="Usuario"
    )
    sealed_secret: Mapped[str] = field(Text, nullable=False, label="Secreto cifrado", secret=True)
    created_at: Mapped[datetime] = field(
        DateTime(timezone=True), nullable=False, server_default=func.now(), label="Comenzado"
    )
    confirmed_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Activado")
    last_step: Mapped[int] = field(
        BigInteger,
        nullable=False,
        server_default=text("0"),
        default=0,
        label="Último período usado",
        help="De 30 segundos desde 1970: un código no se acepta dos veces.",
    )


class RecoveryCode(Identified, Model):
    """A code on paper that serves once in the place of the telephone. Only its hash (scrypt) is kept."""

    __tablename__ = "recovery_code"
    label, label_plural = "Código de recuperación", "Códigos de recuperación"

    factor_id: Mapped[int] = field(
        ForeignKey("second_factor.id", ondelete="CASCADE"), nullable=False, index=True, label="Segundo factor"
    )
    code_hash: Mapped[str] = field(Text, nullable=False, label="Huella", secret=True)
    used_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Usado")


class ResetStatus(Choice):
    """What became of the request to take a lost second factor away."""

    ASKED = "asked", "Pedido"
    APPROVED = "approved", "Aprobado"
    REFUSED = "refused", "Rechazado"
    LAPSED = "lapsed", "Vencido"


class SecondFactorReset(Identified, Model):
    """A lost second factor is taken away by two persons: one asks, another approves (never its owner)."""

    __tablename__ = "second_factor_reset"
    __table_args__ = (
        choice_check("status", ResetStatus),
        CheckConstraint("requested_by_id <> user_id", name="asked_by_another"),
        CheckConstraint(
            "decided_by_id <> user_id AND decided_by_id <> requested_by_id",
            name="decided_by_another",
        ),
        CheckConstraint(
            "(status IN ('approved', 'refused')) = (decided_by_id IS NOT NULL AND decided_at IS NOT NULL)",
            name="decided",
        ),
        Index(
            "uq_second_factor_reset_open", "user_id", unique=True, postgresql_where=text("status = 'asked'")
        ),
    )
    label, label_plural = "Restablecimiento del segundo factor", "Restablecimientos del segundo factor"

    user_id: Mapped[int] = field(
        ForeignKey("ab_user.id", ondelete="CASCADE"), nullable=False, index=True, label="Usuario"
    )
    reason: Mapped[str] = field(Text, nullable=False, label="Motivo", long=True)
    requested_at: Mapped[datetime] = field(
        DateTime(timezone=True), nullable=False, server_default=func.now(), label="Pedido"
    )
    requested_by_id: Mapped[int | None] = field(
        ForeignKey("ab_user.id"), index=True, label="Pedido por", help="Vacío: desde la consola."
    )
    status: Mapped[str] = field(
        Text,
        nullable=False,
        server_default=text("'asked'"),
        default=ResetStatus.ASKED.value,
        label="Estado",
        choices=ResetStatus,
    )
    decided_at: Mapped[datetime | None] = field(DateTime(timezone=True), label="Resuelto")
    decided_by_id: Mapped[int | None] = field(ForeignKey("ab_user.id"), index=True, label="Resuelto por")

    user: Mapped[Account] = relationship(foreign_keys=[user_id])
    requested_by: Mapped[Account | None] = relationship(foreign_keys=[requested_by_id])


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
