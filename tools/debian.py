"""Programs of Debian that the tests use, installed when this user may: `make test` asks for each by name."""

import os
import shutil
import subprocess
import sys

PROGRAMS = {
    "chromium": ("chromium", ["chromium", "fonts-dejavu-core"]),
    "slapd": ("/usr/sbin/slapd", ["slapd"]),
}
"""Name -> the program, and the packages that bring it."""
OPTIONAL = {"slapd": "The tests of the directory (LDAP) are skipped: they need slapd"}
"""What is said of a program without which the other tests run all the same."""


def main(name: str) -> int:
    """Make sure that the program is there; else say exactly what to do."""
    program, packages = PROGRAMS[name]
    named = os.environ.get(name.upper())
    if named:
        if os.access(named, os.X_OK):
            return 0
        print(f"{name.upper()} names «{named}», which is not a program.", file=sys.stderr)
        return 1
    if shutil.which(program) or _installed(packages):
        return 0
    advice = f"«sudo apt-get install {packages[0]}»"
    if name in OPTIONAL:
        print(f"{OPTIONAL[name]}: {advice}.", file=sys.stderr)
        return 0
    print(f"The tests need {name}: {advice}, or {name.upper()}=/path/to/it.", file=sys.stderr)
    return 1


def _installed(packages: list[str]) -> bool:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    # RUNLEVEL: a package that brings a service does not start it here.
    environ = dict(os.environ, DEBIAN_FRONTEND="noninteractive", RUNLEVEL="1")
    quiet = subprocess.DEVNULL
    subprocess.run(["apt-get", "update", "-qq"], check=False, stdout=quiet)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    return subprocess.run(command, check=False, env=environ, stdout=quiet).returncode == 0


if __name__ == "__main__":
    sys.exit(max(main(name) for name in sys.argv[1:]))
