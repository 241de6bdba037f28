"""Gather and compile the translations.

Our own texts are written in Spanish, so `translations/es` only fills what Flask-AppBuilder leaves in English;
`translations/en` is for the public pages. `--compile` compiles alone (set-up does); without it the catalogues
are brought up to date first.
"""

import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = ROOT / "translations"


def compile_all() -> list[str]:
    """Write each catalogue's .mo; returns what is untranslated, as `file: text`."""
    missing = []
    for source in sorted(CATALOGUES.glob("*/LC_MESSAGES/messages.po")):
        with source.open("rb") as file:
            catalogue = read_po(file)
        missing += [
            f"{source.parent.parent.name}: {entry.id}" for entry in catalogue if entry.id and not entry.string
        ]
        with source.with_suffix(".mo").open("wb") as file:
            write_mo(file, catalogue)
    return missing


def main() -> int:
    """Compile, and say what is missing."""
    missing = compile_all()
    for line in missing:
        print(f"sin traducir: {line}")
    return 1 if missing and "--compile" not in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
