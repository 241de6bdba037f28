"""Entering by the ministry's directory: a real slapd on this machine, an account of ours, nobody made by it."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from inspection_samples import acting
from sqlalchemy import select
from sqlalchemy.orm import Session as OrmSession
from support import PASSWORD, Live, log_in, token_of

from app.core.base import Session
from app.core.errors import RuleBroken
from app.models.security import Account
from app.operations import accounts, papers, recovery
from app.operations.unit import act
from app.security import directory
from app.security.directory import Directory, DirectoryDown

SLAPD = os.environ.get("SLAPD") or shutil.which("slapd", path="/usr/sbin:/usr/local/sbin") or ""
SCHEMAS = Path("/etc/ldap/schema")
BASE = "dc=mtess,dc=invalid"
WINDOWS = "la clave de su computadora"

pytestmark = pytest.mark.skipif(
    not SLAPD or not SCHEMAS.is_dir(),
    reason="slapd is not installed: «apt-get install slapd» (make test does)",
)

CONFIGURATION = """
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
access to attrs=userPassword by anonymous auth
access to * by dn.exact="cn=sis,{base}" read by * none
database mdb
suffix "{base}"
rootdn "cn=admin,{base}"
directory {folder}/data
"""


def entries() -> str:
    """The tree: who may search, one person of ours, one that we have no account for, two of the same name."""
    people = [("inspector1", WINDOWS), ("extrano", WINDOWS), ("doble", WINDOWS), ("mesa", WINDOWS)]
    lines = [f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: MTESS\ndc: mtess\n"]
    lines += [
        f"dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n" for unit in ("uno", "dos")
    ]
    lines.append(f"dn: cn=sis,{BASE}\nobjectClass: person\ncn: sis\nsn: sis\nuserPassword: busca\n")
    for name, password in people:
        for unit in ("uno", "dos") if name == "doble" else ("uno",):
            lines.append(
                f"dn: uid={name},ou={unit},{BASE}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\n"
                f"sn: {name}\nuserPassword: {password}\n"
            )
    return "\n".join(lines)


def certificate(folder: Path) -> None:
    """A certificate of this machine's own name, which is its own authority."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@dataclass(frozen=True)
class Server:
    """The directory by its encrypted door and by its plain one."""

    encrypted: Directory
    plain: Directory


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A directory on loopback, with the entries above, plain on one port and encrypted on another."""
    folder = tmp_path_factory.mktemp("slapd")
    (folder / "data").mkdir()
    certificate(folder)
    configuration = folder / "slapd.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, base=BASE, schemas=SCHEMAS))
    (folder / "entries.ldif").write_text(entries())
    slapadd = [SLAPD, "-Tadd", "-f", str(configuration), "-l", str(folder / "entries.ldif")]
    subprocess.run(slapadd, check=True, capture_output=True)
    plain, encrypted = _free_port(), _free_port()
    addresses = f"ldap://127.0.0.1:{plain} ldaps://127.0.0.1:{encrypted}"
    log = (folder / "log").open("wb")
    daemon = subprocess.Popen([SLAPD, "-f", str(configuration), "-h", addresses, "-d", "0"], stderr=log)
    found = Directory(
        url=f"ldaps://127.0.0.1:{encrypted}",
        base=BASE,
        search="(&(objectClass=inetOrgPerson)(uid={username}))",
        bind_dn=f"cn=sis,{BASE}",
        bind_password="busca",
        ca_file=str(folder / "cert.pem"),
    )
    try:
        _wait_for(daemon, plain)
        yield Server(found, replace(found, url=f"ldap://127.0.0.1:{plain}"))
    finally:
        daemon.terminate()
        daemon.wait(20)
        log.close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(daemon: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(600):
        assert daemon.poll() is None, "slapd ended at its start"
        with socket.socket() as door:
            if door.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("slapd does not answer")


@pytest.fixture
def asked(server: Server, app: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Directory]:
    """The application asks this directory."""
    monkeypatch.setattr("app.security.manager.REFUSED_AFTER", 0.0)
    directory.use(server.encrypted)
    yield server.encrypted
    directory.use(None)


def account(name: str) -> Account:
    found: Account = Session.scalars(select(Account).where(Account.username == name)).one()
    return found


def attempt(client: Any, username: str, password: str) -> Any:
    token = token_of(client.get("/login/").get_data(as_text=True))
    form = {"username": username, "password": password, "csrf_token": token}
    return client.post("/login/", data=form)


OF_THE_DIRECTORY = "UPDATE ab_user SET directory = true WHERE username = 'inspector1'"


def test_who_is_in_the_directory_enters_with_that_password_alone(live: Live, asked: Directory) -> None:
    live.sql(OF_THE_DIRECTORY)
    log_in(live.app.test_client(), "inspector1", WINDOWS)
    assert attempt(live.app.test_client(), "inspector1", PASSWORD).status_code == 401, (
        "not with ours any more"
    )
    assert attempt(live.app.test_client(), "inspector1", "otra").status_code == 401


def test_the_directory_makes_nobody_and_says_nothing_of_our_own_accounts(
    live: Live, asked: Directory
) -> None:
    assert attempt(live.app.test_client(), "extrano", WINDOWS).status_code == 401
    assert attempt(live.app.test_client(), "mesa", WINDOWS).status_code == 401, "his is ours"
    log_in(live.app.test_client(), "mesa")


def test_an_account_turned_off_does_not_enter_by_the_directory(live: Live, asked: Directory) -> None:
    live.sql(OF_THE_DIRECTORY)
    live.sql("UPDATE ab_user SET active = false WHERE username = 'inspector1'")
    assert attempt(live.app.test_client(), "inspector1", WINDOWS).status_code == 401


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("*", WINDOWS),
        ("inspector1)(uid=*", WINDOWS),
        ("inspector1)(|(uid=*", WINDOWS),
        ("inspector*", WINDOWS),
        ("inspector1\x00", WINDOWS),
        ("inspector1", ""),
        ("inspector1", "\u00ad"),
        ("inspector1", "\x01"),
        ("inspector1", "otra"),
        ("doble", WINDOWS),
        ("nadie", WINDOWS),
        (f"uid=inspector1,ou=uno,{BASE}", WINDOWS),
    ],
)
def test_no_other_name_nor_an_empty_password_passes(asked: Directory, name: str, password: str) -> None:
    assert directory.authenticates(name, password) is False


def test_right_passwords_pass_encrypted_and_plain_on_this_machine(server: Server, asked: Directory) -> None:
    for door in (server.encrypted, server.plain):
        directory.use(door)
        assert directory.authenticates("inspector1", WINDOWS)


def test_elsewhere_nothing_is_said_before_encrypting_with_a_certificate_that_is_checked(
    server: Server, asked: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "LOOPBACK", frozenset())
    directory.use(server.plain)
    assert directory.authenticates("inspector1", WINDOWS), "by STARTTLS"
    named_otherwise = replace(server.encrypted, url=server.encrypted.url.replace("127.0.0.1", "localhost"))
    doors = [replace(door, ca_file="") for door in (server.plain, server.encrypted)]
    for door in (*doors, named_otherwise):
        directory.use(door)
        with pytest.raises(DirectoryDown):
            directory.authenticates("inspector1", WINDOWS)


def test_a_search_account_that_is_refused_is_no_wrong_password(server: Server, asked: Directory) -> None:
    for wrong in ({"bind_password": "otra"}, {"bind_dn": "", "bind_password": ""}, {"base": "dc=otra"}):
        directory.use(replace(server.encrypted, **wrong))
        with pytest.raises(DirectoryDown):
            directory.authenticates("inspector1", WINDOWS)


# -- down -----------------------------------------------------------------------------------------------


@pytest.fixture(params=["nobody listens", "nobody answers"])
def down(request: pytest.FixtureRequest, asked: Directory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The directory went away: its port is closed, or takes the call and stays silent."""
    monkeypatch.setattr(directory, "TIMEOUT", 1)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        if request.param == "nobody answers":
            deaf.listen()
        port = deaf.getsockname()[1]
        directory.use(replace(asked, url=f"ldap://127.0.0.1:{port}"))
        yield


def test_with_the_directory_down_local_accounts_enter_and_the_others_are_told(live: Live, down: None) -> None:
    live.sql(OF_THE_DIRECTORY)
    log_in(live.app.test_client(), "admin")
    for name in ("inspector1", "nadie"):
        answer = attempt(live.app.test_client(), name, WINDOWS)
        assert answer.status_code == 503, name
        assert "El directorio del ministerio no responde" in answer.get_data(as_text=True)
    assert live.sql("SELECT max(failures) FROM login_failure")[0][0] == 0, "nothing was judged"


def test_with_the_directory_down_a_signature_says_so(db: OrmSession, down: None) -> None:
    with act("test.directory"):
        account("ministro").directory = True
    with acting("ministro"), pytest.raises(RuleBroken, match="no responde") as refused:
        papers.confirm_password(WINDOWS)
    assert refused.value.field == "password"


# -- accounts of the directory --------------------------------------------------------------------------


def test_who_signs_gives_the_password_of_the_directory(live: Live, asked: Directory) -> None:
    live.sql(OF_THE_DIRECTORY)
    with live.app.app_context(), acting("inspector1"):
        papers.confirm_password(WINDOWS)
        with pytest.raises(RuleBroken):
            papers.confirm_password(PASSWORD)


def test_the_system_does_not_touch_a_password_that_is_not_its_own(live: Live, asked: Directory) -> None:
    live.sql(OF_THE_DIRECTORY)
    with live.app.app_context():
        key = account("inspector1").id
        with acting("admin"):
            for change in (accounts.reset_password, recovery.release_code):
                with pytest.raises(RuleBroken, match="directorio"):
                    change(key)
        recovery.ask("inspector1")
    jobs = live.sql("SELECT args->>'account_id' FROM procrastinate_jobs")
    assert [row[0] for row in jobs] == [None]
    client = log_in(live.app.test_client(), "inspector1", WINDOWS)
    assert "Cambiar la contraseña" not in client.get("/mi-cuenta/").get_data(as_text=True)
    page = "/mi-cuenta/contrasena"
    token = token_of(client.get(page).get_data(as_text=True))
    form = {"current": WINDOWS, "new": "otra frase bien larga", "again": "otra frase bien larga"}
    answer = client.post(page, data={**form, "csrf_token": token})
    assert answer.status_code == 422 and "se cambia en el directorio" in answer.get_data(as_text=True)


def test_the_last_administrator_with_a_password_of_ours_stays_local(live: Live, asked: Directory) -> None:
    client = log_in(live.app.test_client(), "admin")
    key = live.sql("SELECT id FROM ab_user WHERE username = 'admin'")[0][0]
    role = live.sql("SELECT id FROM ab_role WHERE name = 'Admin TI'")[0][0]
    path = f"/usuarios/edit/{key}"
    person = {"username": "admin", "first_name": "Ana", "last_name": "Admin", "email": "admin@mtess.invalid"}
    form = {**person, "roles": [role], "office_id": "", "active": "y", "directory": "y"}
    token = token_of(client.get(path).get_data(as_text=True))
    answer = client.post(path, data={**form, "csrf_token": token})
    assert answer.status_code == 422 and "último administrador" in answer.get_data(as_text=True)
    assert live.sql("SELECT directory FROM ab_user WHERE username = 'admin'") == [(False,)]
    live.sql(
        f"INSERT INTO ab_user_role (user_id, role_id) SELECT id, {role} FROM ab_user WHERE username = 'mesa'"
    )
    assert client.post(path, data={**form, "csrf_token": token}).status_code == 302


def test_without_a_directory_nobody_is_offered_it_nor_enters_by_it(live: Live, app: Any) -> None:
    live.sql(OF_THE_DIRECTORY)
    assert attempt(live.app.test_client(), "inspector1", PASSWORD).status_code == 401
    page = log_in(live.app.test_client(), "admin").get("/usuarios/add").get_data(as_text=True)
    assert "Se autentica por directorio" not in page
