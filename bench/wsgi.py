"""The product as gunicorn serves it, with two headers more: SQL statements and processor time of a request.

    gunicorn "bench.wsgi:app()"

The counter hangs on the engine from outside; the product knows nothing of it.
"""

from collections.abc import Callable, Iterable
from threading import local
from time import thread_time
from typing import Any

from sqlalchemy import event

from app.factory import create_app

seen = local()


def app() -> Any:
    """The application, counted."""
    product = create_app()

    @event.listens_for(product.extensions["sis_engine"], "before_cursor_execute")
    def count(*_: Any) -> None:
        seen.statements = getattr(seen, "statements", 0) + 1

    inside = product.wsgi_app

    def counted(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        seen.statements, begun = 0, thread_time()

        def begin(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            spent = f"{(thread_time() - begun) * 1000:.2f}"
            mine = [("X-Bench-Sql", str(seen.statements)), ("X-Bench-Cpu", spent)]
            return start(status, [*headers, *mine], *rest)

        return inside(environ, begin)

    product.wsgi_app = counted
    return product
