"""The long proofs, by hand: `make prove`. Each writes its figures to `docs/proof/`.

`api`: ten thousand cases that schemathesis makes from the API's description, over four functions, on a
database of their own with the demonstration's records. Ends with an error at the first answer that is a
failure of the system or is not of the published form.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

PROOFS = ROOT / "docs" / "proof"


def api(cases: int) -> None:
    """Ask the API, and write down what it answered."""
    from api_fuzz import CHECKS, fuzz, keys_of
    from api_samples import machine
    from hypothesis import settings
    from support import PASSWORD

    from app import cli, embedded, migrations
    from app.factory import create_app
    from app.operations import seeding
    from app.security.roles import Role
    from config import settings as configured

    settings.register_profile("prove", database=None)
    settings.load_profile("prove")
    roles = (Role.COORDINATOR, Role.INSPECTOR, Role.LEGAL, Role.INTAKE)
    told: dict[str, Counter[int]] = {}
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sis-prove-") as scratch:
        server = embedded.Cluster.throwaway(Path(scratch) / "postgres")
        server.ensure()
        try:
            urls = server.create_database("prove")
            configuration = configured(
                {
                    "DATABASE_URL": urls.app_url,
                    "DATABASE_OWNER_URL": urls.owner_url,
                    "SIS_DATA_DIR": str(Path(scratch) / "data"),
                    "SIS_PUBLIC_URL": "http://localhost",
                }
            )
            migrations.upgrade(urls.owner_url)
            app = create_app(configuration)
            with app.app_context():
                seeding.prepare("training", cli.doors(), PASSWORD)
                machines = {role: machine(app, role, name=f"Prueba {role.value}") for role in roles}
                keys = keys_of()
            for role, asked in machines.items():  # outside the context: each question has its own
                told[role.label] = fuzz(asked, keys, -(-cases // len(roles)))
                print(role.label, dict(sorted(told[role.label].items())), flush=True)
            app.extensions["sis_engine"].dispose()
        finally:
            server.remove()
    PROOFS.mkdir(exist_ok=True)
    names = [check.__name__ for check in CHECKS]
    (PROOFS / "api.md").write_text(_account(told, names, time.monotonic() - begun), encoding="utf-8")


def _account(told: dict[str, Counter[int]], checks: list[str], seconds: float) -> str:
    """The figures of a run, in Markdown."""
    codes = sorted({code for counter in told.values() for code in counter})
    total = sum(counter.total() for counter in told.values())
    lines = [
        "# The API under invented questions",
        "",
        f"`make prove`: {total:,} cases of schemathesis {version('schemathesis')} in {seconds:.0f} s, none of"
        " them answered by a failure of the system or out of the published form.",
        "",
        f"| function | {' | '.join(map(str, codes))} |",
        f"| --- |{' ---: |' * len(codes)}",
        *(f"| {name} | {' | '.join(f'{row[code]:,}' for code in codes)} |" for name, row in told.items()),
        "",
        f"Checked of each answer: {', '.join(f'`{name}`' for name in checks)}. Right and wrong questions come"
        " in equal parts; three of four that name a record name one that exists, own or foreign.",
        "",
    ]
    return "\n".join(lines)


PROVES: dict[str, Any] = {"api": api}


def main() -> None:
    """Run the proofs that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*PROVES, []], help="all when none is named")
    parser.add_argument("--cases", type=int, default=10_000)
    asked = parser.parse_args()
    for name in asked.names or PROVES:
        PROVES[name](asked.cases)


if __name__ == "__main__":
    main()
