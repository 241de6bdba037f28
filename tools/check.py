"""The checks that no linter knows: translations complete, one head of migrations."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from alembic.script import ScriptDirectory

from app import migrations
from tools.translations import compile_all


def main() -> int:
    """Say what is wrong; 0 when nothing is."""
    wrong = [f"untranslated: {line}" for line in compile_all()]
    # Alembic raises when two migrations claim to be the newest.
    newest = ScriptDirectory.from_config(migrations.configuration()).get_current_head()
    if newest != migrations.head():
        wrong.append(f"migrations: the newest file is {migrations.head()}, the newest revision {newest}")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
