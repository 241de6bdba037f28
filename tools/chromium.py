"""Make sure that the browser tests have their browser: Debian's chromium, or the one that CHROMIUM names."""

import os
import shutil
import subprocess
import sys


def main() -> int:
    """Install the package when this user may; else say exactly what to do."""
    named = os.environ.get("CHROMIUM")
    if named:
        if os.access(named, os.X_OK):
            return 0
        print(f"CHROMIUM names «{named}», which is not a program.", file=sys.stderr)
        return 1
    if shutil.which("chromium"):
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"stdout": subprocess.DEVNULL}
        subprocess.run(["apt-get", "update", "-qq"], check=False, **quiet)  # type: ignore[call-overload]
        environ = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        packages = ["chromium", "fonts-dejavu-core"]
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        if subprocess.run(command, check=False, env=environ, **quiet).returncode == 0:  # type: ignore[call-overload]
            return 0
    print(
        "The browser tests need chromium: «sudo apt-get install chromium», or CHROMIUM=/path/to/chrome.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
