"""Legal amounts and parameters: each value with the day from which it holds, never changed afterwards."""

from decimal import Decimal

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Index, Numeric, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from app.core.base import Choice, Identified, Model, Stamped, choice_check, field, never_twice
from app.core.types import format_date, format_guaranies
from app.models.norms.dated import DATES, Dated, dated_checks


class MinimumWage(Identified, Stamped, Dated, Model):
    """The minimum wage and its day wage (Código del Trabajo, art. 384), in whole guaraníes."""

    __tablename__ = "minimum_wage"
    __table_args__ = (
        *dated_checks(),
        CheckConstraint("monthly BETWEEN 1 AND 1000000000", name="monthly"),
        CheckConstraint("daily BETWEEN 1 AND monthly", name="daily"),
        UniqueConstraint("valid_from"),
        never_twice("ex_minimum_wage_one_in_force"),
    )
    label, label_plural = "Salario mínimo y jornal", "Salario mínimo y jornal"
    rules = {
        "dates": DATES,
        "monthly": "El salario mensual es mayor que cero, en guaraníes.",
        "daily": "El jornal es mayor que cero y no supera al salario mensual.",
    }
    frozen = frozenset({"monthly", "daily", "valid_from"})

    monthly: Mapped[int] = field(BigInteger, nullable=False, label="Salario mensual", money=True)
    daily: Mapped[int] = field(
        BigInteger,
        nullable=False,
        label="Jornal mínimo",
        help="El publicado, para actividades diversas no especificadas. No se calcula.",
        money=True,
    )
    adjustment_percent: Mapped[Decimal | None] = field(
        Numeric(6, 2), label="Reajuste (%)", help="Respecto del período anterior."
    )

    def __repr__(self) -> str:
        return f"{format_guaranies(self.daily)} desde el {format_date(self.valid_from)}"


class ValueType(Choice):
    """How the text of a parameter is read."""

    INT = "int", "Número entero"
    DECIMAL = "decimal", "Número con decimales"
    BOOL = "bool", "Sí o no (true, false)"
    LIST = "list", "Lista separada por comas"
    TEXT = "text", "Texto"


class ParameterUnit(Choice):
    """What the value of a parameter counts."""

    BUSINESS_DAYS = "dias_habiles", "días hábiles"
    CALENDAR_DAYS = "dias_corridos", "días corridos"
    HOURS = "horas", "horas"
    TIME_OF_DAY = "hora", "hora del día"
    MONTH_OF_YEAR = "mes", "mes del año"
    MONTHS = "meses", "meses"
    YEARS = "anios", "años"
    PERCENT = "porcentaje", "%"
    TIMES = "veces", "veces"
    POINTS = "puntos", "puntos"
    DEGREES = "grados", "grados"
    INSTALMENTS = "cuotas", "cuotas"
    WORKERS = "trabajadores", "trabajadores"
    WOMEN_WORKERS = "trabajadoras", "trabajadoras"
    INSPECTORS = "inspectores", "inspectores"
    VICTIMS = "victimas", "víctimas"
    ACCIDENTS = "accidentes", "accidentes"
    CASES = "casos", "casos"
    YES_NO = "si_no", "sí o no"
    OPTION = "opcion", "una opción"
    EXPRESSION = "expresion", "expresión"


class Parameter(Identified, Stamped, Dated, Model):
    """A number or choice of the procedure that the ministry may change, from a date on."""

    __tablename__ = "parameter"
    __table_args__ = (
        *dated_checks(),
        choice_check("value_type", ValueType),
        choice_check("unit", ParameterUnit),
        CheckConstraint("code ~ '^[A-Z][A-Z0-9_]{2,60}$'", name="code"),
        CheckConstraint(
            "CASE value_type WHEN 'int' THEN value ~ '^-?[0-9]{1,15}$'"
            " WHEN 'decimal' THEN value ~ '^-?[0-9]{1,12}([.][0-9]{1,6})?$'"
            " WHEN 'bool' THEN value IN ('true', 'false') ELSE value <> '' END",
            name="value",
        ),
        CheckConstraint("options IS NULL OR value = ANY (options)", name="options"),
        UniqueConstraint("code", "valid_from"),
        never_twice("ex_parameter_one_in_force", "code"),
        Index(
            "ix_parameter_description_trgm", text("fold(description) gin_trgm_ops"), postgresql_using="gin"
        ),
    )
    label, label_plural = "Parámetro", "Parámetros"
    rules = {
        "dates": DATES,
        "code": "El código lleva mayúsculas, números y guion bajo; por ejemplo MULTA_PLAZO_PAGO.",
        "value": "El valor no corresponde a su tipo: un entero (10), un número con punto (16.5), "
        "true o false, una lista (a,b,c) o un texto.",
        "options": "El valor debe ser una de las opciones admitidas.",
    }
    frozen = frozenset({"code", "value", "value_type", "unit", "options", "valid_from"})

    code: Mapped[str] = field(
        Text, nullable=False, label="Código", help="El sistema lo conoce por este código."
    )
    description: Mapped[str] = field(Text, nullable=False, label="Descripción")
    value: Mapped[str] = field(
        Text, nullable=False, label="Valor", help="Decimales con punto; listas separadas por comas."
    )
    value_type: Mapped[str] = field(Text, nullable=False, label="Tipo de valor", choices=ValueType)
    unit: Mapped[str] = field(Text, nullable=False, label="Unidad", choices=ParameterUnit)
    options: Mapped[list[str] | None] = field(
        ARRAY(Text),
        label="Opciones admitidas",
        help="Separadas por comas; vacío si no hay una lista cerrada.",
    )

    def __repr__(self) -> str:
        return f"{self.code} = {self.value}"
