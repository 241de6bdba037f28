"""Write a new migration from the difference between the models and a database at the newest revision."""

import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import embedded, migrations


def main(message: str) -> int:
    """A throw-away server is brought to head, compared, and removed."""
    if not message:
        print('Say what it does: make migration m="cases: number resolutions per office"', file=sys.stderr)
        return 2
    number = f"{len(list((migrations.HERE / 'versions').glob('[0-9]*.py'))) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        cluster = embedded.Cluster.throwaway(Path(folder) / "pg")
        try:
            owner = cluster.ensure().owner_url
            migrations.upgrade(owner)
            with create_engine(owner).connect() as connection:
                configuration = migrations.configuration(connection)
                command.revision(configuration, message=message, autogenerate=True, rev_id=number)
        finally:
            cluster.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
