"""Checks a copy of the audit trail of SIS on any computer. Python 3.8 or newer, nothing else.

    python3 verify_audit.py COPIA.jsonl [--head NÚMERO:HUELLA ...]

The copy is that of `flask audit export` (or of the page Auditoría). Each line holds the number of a seal, its
hash and the row; hash = SHA-256 of «hash before, number, row» with a blank between them. A head that was
kept outside (the nightly message, a printed report, a backup) tells whether the end was cut or all made anew.
Exit code: 0 nothing wrong, 1 something wrong, 2 the file cannot be read.
"""

import argparse
import hashlib
import json
import re
import sys

LINE = re.compile(r'\{"seq": (\d+), "hash": "([0-9a-f]{64})", "row": (.*)\}')
MOST = 200


def link(before, seq, row):
    """The hash of a seal."""
    return hashlib.sha256(f"{before} {seq} {row}".encode()).hexdigest()


def named(row):
    """A row in a few words."""
    try:
        told = json.loads(row)
        if told["kind"] == "act":
            about = f"{told['actor']} {told['verb']}"
        else:
            about = f"{told['table']} {json.dumps(told['key'])}"
        kind = {"act": "acto", "change": "cambio", "reading": "lectura"}[told["kind"]]
        return f"{kind} n.º {told['id']}, {about}, {told['at']}"
    except (ValueError, KeyError, TypeError):
        return "fila ilegible"


def faults(lines, heads):
    """Yields what is wrong, in order; the last item is the number of the last seal."""
    try:
        opening = json.loads(next(lines))
        expected, before = opening["first"], opening["before"]
        if opening["format"] != "sis-audit-1":
            raise ValueError
    except (StopIteration, ValueError, KeyError, TypeError):
        yield None
        return
    heads = [*heads, (opening["last"], opening["head"])]
    seen = {}
    wanted = {seq for seq, _ in heads} | {expected - 1}
    if expected - 1 in wanted:
        seen[expected - 1] = before
    last = first = expected - 1
    for place, line in enumerate(lines, 2):
        found = LINE.fullmatch(line.rstrip("\r\n"))
        if not found:
            yield f"Línea {place}: no es una fila del rastro."
            continue
        seq, hash, row = int(found[1]), found[2], found[3]
        if seq < expected:
            yield f"Línea {place}: el sello {seq} ({named(row)}) no va ahí: se insertó o se movió."
            continue
        if seq > expected:
            gone = f"el sello {expected}" if seq == expected + 1 else f"los sellos {expected} a {seq - 1}"
            yield f"Línea {place}: no está {gone}: se borró o se movió."
        elif row == "null":
            yield f"Sello {seq}: su fila se había borrado antes de la copia."
        elif link(before, seq, row) != hash:
            yield f"Sello {seq}: {named(row)} no es lo que se selló: se editó o se insertó."
        before, expected, last = hash, seq + 1, seq
        if seq in wanted:
            seen[seq] = hash
    for seq, hash in heads:
        if seq > last:
            yield f"La copia termina en el sello {last} y se anotó el {seq}: se cortó el final."
        elif seq in seen and not seen[seq].startswith(hash):
            yield f"El sello {seq} no tiene la huella que se anotó ({hash[:16]}): la cadena se rehízo."
        elif seq not in seen and seq > first:
            yield f"El sello {seq}, cuya huella se anotó, no está en la copia."
    yield last


def main():
    """Read the copy, say what is wrong."""
    parser = argparse.ArgumentParser(description="Comprueba una copia del rastro de auditoría de SIS.")
    parser.add_argument("copy", help="el archivo de «flask audit export»")
    parser.add_argument("--head", action="append", default=[], metavar="NÚMERO:HUELLA", help="anotada afuera")
    options = parser.parse_args()
    heads = []
    for text in options.head:
        number, _, hash = text.partition(":")
        if not re.fullmatch(r"\d+:[0-9a-fA-F]{16,64}", text):
            parser.error("la cabeza se escribe NÚMERO:HUELLA, con 16 signos de la huella o más")
        heads.append((int(number), hash.lower()))
    count = 0
    try:
        with open(options.copy, encoding="utf-8", newline="\n") as lines:
            for told in faults(iter(lines), heads):
                if told is None:
                    print("El archivo no es una copia del rastro de SIS.", file=sys.stderr)
                    return 2
                if isinstance(told, str):
                    count += 1
                    if count <= MOST:
                        print(told)
    except (OSError, UnicodeDecodeError) as error:
        print(f"El archivo no se puede leer: {error}", file=sys.stderr)
        return 2
    if count:
        print(f"{count} hallazgo(s). El rastro de la copia NO está íntegro.")
        return 1
    print(f"Íntegro hasta el sello {told}.")
    if not heads:
        print("Sin una cabeza anotada afuera (--head) no se sabe si la cadena se cortó antes o se rehízo.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
