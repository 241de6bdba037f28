"""`create_app`: the application, put together. FLASK_APP=app.factory."""

import logging
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import psycopg2
from flask import Flask, Response, abort, g, has_app_context, redirect, request, url_for
from flask_appbuilder import AppBuilder
from flask_babel import get_locale
from flask_login import current_user
from flask_wtf import CSRFProtect
from sqlalchemy import Engine, create_engine, text
from werkzeug.middleware.proxy_fix import ProxyFix

import app.models  # noqa: F401  declares every table
from app import cli, embedded
from app.assets_manifest import asset
from app.core import clock
from app.core.base import Session
from app.core.types import many
from app.operations import backups, extra, files, mail, papers
from app.operations.unit import act, untraced
from app.security import directory, machines, principal, second_factor
from app.views import errors, health, help, menu, shell, trail
from app.views.base import Builder
from app.views.inspections import papers as public_papers
from app.views.static import Served
from app.views.widgets import day, moment
from config import Settings, settings

PUBLIC = frozenset({"AuthView.login", "static", "appbuilder.static", "health.health", "health.live"})
PUBLIC |= {
    "CodeView.code",
    "RecoveryView.ask",
    "RecoveryView.link",
    "RecoveryView.code",
    "verify.ask",
    "verify.show",
}
"""The endpoints that answer a visitor without a session; every other one asks him to enter."""
ENROLMENT = frozenset({"SecondFactorView.show", "SecondFactorView.start", "SecondFactorView.confirm"})
ENROLMENT |= {"AuthView.logout", "MyAccountView.password"}
"""The endpoints of who owes a second factor; every other one sends him to activate it."""

Made = TypeVar("Made")


def create_app(configuration: Settings | None = None) -> Flask:
    """The application for these settings (those of the environment by default)."""
    configuration = configuration or settings()
    app = Served("app", template_folder="templates", static_folder="static")
    app.config.from_mapping(configuration.flask_mapping())
    app.logger.setLevel(logging.INFO)
    logging.getLogger("flask_appbuilder.models.filters").setLevel(logging.ERROR)  # one line per uuid column
    engine = make_engine(configuration)
    app.extensions["sis_engine"] = engine
    Session.configure(bind=engine)
    clock.use_offset(_offset_reader(configuration))
    files.use(configuration.SIS_DATA_DIR / "files")
    backups.use(_installation(configuration))
    papers.use(configuration.SIS_PUBLIC_URL)
    mail.use(configuration.SIS_SMTP_URL, configuration.SIS_MAIL_FROM, configuration.SIS_PUBLIC_URL)
    second_factor.use(configuration.SECRET_KEY, required=configuration.SIS_ENV == "production")
    directory.use(directory.Directory(**configuration.SIS_LDAP) if configuration.SIS_LDAP else None)
    if configuration.SIS_TRUSTED_PROXIES:
        hops = configuration.SIS_TRUSTED_PROXIES
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    CSRFProtect(app)
    with app.app_context():
        appbuilder = Builder(app, Session, menu=menu.WorkMenu())
        appbuilder.sm.act, appbuilder.sm.untraced = act, untraced
        appbuilder.sm.lm.request_loader(machines.load)
        menu.register(app, appbuilder)
    health.register(app)
    public_papers.register(app)
    errors.register(app)
    cli.register(app)
    _hook_requests(app, appbuilder)
    _fill_templates(app)
    shell.register(app)
    trail.register(app)
    help.register(app)
    return app


def make_engine(configuration: Settings) -> Engine:
    """The pool of the application's role; an embedded server is started at the first connection."""
    options: dict[str, Any] = {
        "pool_pre_ping": True,
        "pool_timeout": configuration.POOL_TIMEOUT,
        "pool_size": 8,
        "max_overflow": 8,
        "query_cache_size": 600,  # at 50 to 100 KB; the scope multiplies statements by combinations of roles
        "hide_parameters": True,  # values are personal data; the log is no place for them
    }
    limits = (
        f"-c statement_timeout={configuration.STATEMENT_TIMEOUT}"
        f" -c lock_timeout={configuration.LOCK_TIMEOUT} -c timezone=UTC"
    )
    if configuration.DATABASE_URL:
        return create_engine(configuration.DATABASE_URL, connect_args={"options": limits}, **options)
    dsn = _lazily(lambda: embedded.libpq_dsn(embedded.shared(*configuration.PLACES).app_url))
    return create_engine(
        "postgresql+psycopg2://", creator=lambda: psycopg2.connect(dsn(), options=limits), **options
    )


def _installation(configuration: Settings) -> backups.Installation:
    """What a backup is made of; an embedded server is started when its addresses are asked for."""
    urls = _lazily(lambda: embedded.shared(*configuration.PLACES))
    return backups.Installation(
        environment=configuration.SIS_ENV,
        version=configuration.VERSION,
        data=configuration.SIS_DATA_DIR,
        folder=configuration.SIS_BACKUP_DIR,
        recipient=configuration.SIS_BACKUP_RECIPIENT,
        app_url=lambda: configuration.DATABASE_URL or urls().app_url,
        backup_url=lambda: urls().backup_url if configuration.EMBEDDED else configuration.DATABASE_BACKUP_URL,
    )


def _lazily(make: Callable[[], Made]) -> Callable[[], Made]:
    made: list[Made] = []

    def get() -> Made:
        if not made:
            made.append(make())
        return made[0]

    return get


def _offset_reader(configuration: Settings) -> Callable[[], timedelta] | None:
    """The clock's offset is a row, moved in training only; read once a request."""
    if configuration.SIS_ENV != "training":
        return None

    def stored() -> timedelta:
        with Session.no_autoflush:  # looking at the clock must not write what is half filled in
            moved = Session.execute(text("SELECT clock_offset FROM installation")).scalar()
        return moved or timedelta(0)

    def read() -> timedelta:
        if not has_app_context():
            return stored()
        if "sis_clock" not in g:
            g.sis_clock = stored()
        return g.sis_clock  # type: ignore[no-any-return]

    return read


def _hook_requests(app: Flask, appbuilder: AppBuilder) -> None:
    @app.before_request
    def enter() -> Response | None:
        if "\x00" in "".join((*request.args.values(), *request.form.values(), request.path)):
            abort(400)  # PostgreSQL has no NUL in texts, and no person types one
        g.request_id = secrets.token_hex(8)
        g.csp_nonce = secrets.token_urlsafe(16)
        if request.blueprint != "health" and not _right_database(app):
            return errors.answer(503, "La base de datos es de otro entorno: avise a Informática.")
        visitor = principal.Principal("anónimo", origin="web", address=request.remote_addr)
        principal.enter(visitor)  # a thread serves many people: nobody inherits the one before
        if request.endpoint in PUBLIC or request.endpoint is None:
            return None
        if not current_user.is_authenticated:
            if request.path.startswith("/api/"):
                return errors.answer(401)
            return redirect(url_for("AuthView.login", next=request.full_path.rstrip("?")))
        who = appbuilder.sm.principal(current_user, g.request_id)
        principal.enter(machines.acting(who) if "sis_key" in g else who)
        if "sis_key" in g:
            return errors.too_often(machines.wait(untraced))
        if current_user.must_change_password and request.endpoint not in (
            "MyAccountView.password",
            "AuthView.logout",
        ):
            return redirect(url_for("MyAccountView.password"))
        if getattr(current_user, "awaits", None) and request.endpoint not in ENROLMENT:
            return redirect(url_for("SecondFactorView.show"))
        return None

    @app.after_request
    def leave(response: Response) -> Response:
        response.status_code = g.pop("sis_status", None) or response.status_code
        return _guard(app, response)

    @app.teardown_appcontext
    def close(error: BaseException | None) -> None:
        Session.remove()
        principal.enter(principal.SYSTEM)


def _right_database(app: Flask) -> bool:
    """Whether the database was made for this environment; asked until it is known to be (once a process)."""
    if not app.extensions.get("sis_right_database"):
        found = Session.execute(text("SELECT environment FROM installation")).scalar()
        if found != app.config["SIS_ENV"]:
            app.logger.error("the database is of «%s», the system of «%s»", found, app.config["SIS_ENV"])
            return False
        app.extensions["sis_right_database"] = True
    return True


def _guard(app: Flask, response: Response) -> Response:
    """Security headers, on every answer (ASVS 3.4)."""
    nonce = g.get("csp_nonce", "")
    headers = response.headers
    headers["Content-Security-Policy"] = (
        f"default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(self), geolocation=(self), microphone=()"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if app.config["SESSION_COOKIE_SECURE"]:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    built = request.path.startswith(("/static/dist/", "/static/fonts/", "/static/appbuilder/"))
    if not built or response.status_code >= 400:
        headers["Cache-Control"] = "no-store"
    elif request.path.startswith("/static/appbuilder/"):
        headers["Cache-Control"] = "public, max-age=3600"  # its names carry no hash
    return response


def _fill_templates(app: Flask) -> None:
    app.jinja_env.filters["day"] = day
    app.jinja_env.filters["moment"] = moment
    app.jinja_env.filters["many"] = many
    app.jinja_env.globals["extra_said"] = extra.said
    app.jinja_env.globals["extra_editable"] = extra.editable
    app.jinja_env.globals["asset"] = lambda name: url_for("static", filename=asset(name))
    app.jinja_env.globals["csp_nonce"] = lambda: g.get("csp_nonce", "")
    app.jinja_env.globals["get_locale"] = get_locale
    app.jinja_env.globals["training"] = app.config["SIS_ENV"] == "training"
