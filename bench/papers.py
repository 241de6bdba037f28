"""Signing a document against bare xhtml2pdf on the same HTML: the price of the confined child.

Run by `bench/run.py` in a process of its own; prints one line of JSON: milliseconds of each, and the ratio.
"""

import io
import json
import statistics
import time
from collections.abc import Callable

from jinja2 import Environment
from xhtml2pdf import pisa

from app.documents import render

ROUNDS = 12
ROW = (
    "<tr><td>{{ n }}</td><td>Se constata en el lugar lo que esta línea dice con palabras bastantes.</td></tr>"
)
HTML = (
    "<html><head><style>@page { size: A4; margin: 2cm } td { border: 1px solid #999 }</style></head>"
    "<body><h1>Acta de medición</h1><table>"
    + "".join(Environment().from_string(ROW).render(n=n) for n in range(75))
    + "</table></body></html>"
)


def bare() -> bytes:
    """xhtml2pdf in this process."""
    out = io.BytesIO()
    pisa.CreatePDF(HTML, dest=out)
    return out.getvalue()


def ours() -> bytes:
    """The product's renderer."""
    return render.render(HTML, title="Acta de medición")


def timed(work: Callable[[], bytes]) -> float:
    work()
    rounds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        rounds.append((time.perf_counter() - begun) * 1000)
    return statistics.median(rounds)


if __name__ == "__main__":
    floor, product = timed(bare), timed(ours)
    print(
        json.dumps(
            {"bare_ms": round(floor, 1), "ours_ms": round(product, 1), "ratio": round(product / floor, 2)}
        )
    )
