"""The environment is read in one place, and a mistake in it is said in one sentence."""

from pathlib import Path

import pytest

from config import ConfigurationError, settings

SAFE = {"SIS_ENV": "production", "SIS_SECRET_KEY": "x" * 40, "SIS_PUBLIC_URL": "https://sis.example"}

LDAP = {"SIS_LDAP_URL": "ldap://directorio", "SIS_LDAP_BASE": "dc=x"}


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"SIS_ENV": "produccion"}, "SIS_ENV"),
        ({"PORT": "80a"}, "PORT"),
        ({"PORT": "70000"}, "PORT"),
        ({"DATABASE_URL": "sqlite:///x.db"}, "DATABASE_URL"),
        ({"DATABASE_BACKUP_URL": "mysql://x"}, "DATABASE_BACKUP_URL"),
        ({"SIS_BACKUP_RECIPIENT": "AGE-SECRET-KEY-1"}, "clave pública de age"),
        ({"SIS_PUBLIC_URL": "sis.example"}, "SIS_PUBLIC_URL"),
        ({**SAFE, "SIS_SECRET_KEY": ""}, "SIS_SECRET_KEY"),
        ({**SAFE, "SIS_SECRET_KEY": "corta"}, "SIS_SECRET_KEY"),
        ({**SAFE, "SIS_PUBLIC_URL": ""}, "SIS_PUBLIC_URL"),
        ({**SAFE, "SIS_PUBLIC_URL": "http://sis.example"}, "SIS_PUBLIC_URL"),
        ({**SAFE, "SIS_DEMO_PASSWORD": "x"}, "SIS_DEMO_PASSWORD"),
        ({"SIS_LDAP_URL": "http://directorio", "SIS_LDAP_BASE": "dc=x"}, "SIS_LDAP_URL"),
        ({"SIS_LDAP_URL": "ldap://directorio"}, "SIS_LDAP_BASE"),
        ({**LDAP, "SIS_LDAP_FILTER": "(uid=todos)"}, "SIS_LDAP_FILTER"),
        ({**LDAP, "SIS_LDAP_BIND_DN": "cn=sis"}, "SIS_LDAP_BIND_PASSWORD"),
    ],
)
def test_a_mistake_is_refused_by_name(tmp_path: Path, environ: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        settings({"SIS_DATA_DIR": str(tmp_path), **environ})


def test_a_directory_without_its_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="make setup-ldap"):
        settings({"SIS_DATA_DIR": str(tmp_path), **LDAP})


def test_https_brings_secure_cookies_and_plain_http_does_not(tmp_path: Path) -> None:
    secure = settings({"SIS_DATA_DIR": str(tmp_path), **SAFE})
    plain = settings({"SIS_DATA_DIR": str(tmp_path)})
    assert (secure.SESSION_COOKIE_NAME, secure.SESSION_COOKIE_SECURE) == ("__Host-sis", True)
    assert (plain.SESSION_COOKIE_NAME, plain.SESSION_COOKIE_SECURE) == ("sis", False)


def test_training_keeps_its_secret_and_its_file_is_private(tmp_path: Path) -> None:
    first = settings({"SIS_DATA_DIR": str(tmp_path)})
    second = settings({"SIS_DATA_DIR": str(tmp_path)})
    assert first.SECRET_KEY == second.SECRET_KEY and len(first.SECRET_KEY) >= 32
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_a_bare_postgres_address_means_psycopg2(tmp_path: Path) -> None:
    found = settings({"SIS_DATA_DIR": str(tmp_path), "DATABASE_URL": "postgresql://u:p@h/d"})
    assert found.DATABASE_URL == "postgresql+psycopg2://u:p@h/d"
