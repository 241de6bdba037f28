"""The ministry's directory (LDAP) beside the accounts of the system: it says whether a password is right.

Accounts, roles and offices stay rows of ours; the directory makes nobody. Its library is an extra
(`make setup-ldap`). Everything has a time-out: one that does not answer is DirectoryDown, never a wait.
"""

import logging
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

TIMEOUT = 5
"""Seconds for each of: connection, answer, search."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class DirectoryDown(Exception):
    """The directory does not answer, or not as it should: nothing is known of the password."""


@dataclass(frozen=True)
class Directory:
    """Where the directory is and how a person is found in it.

    `search` is a filter (RFC 4515) with `{username}`; who may search is `bind_dn`, anybody when it is empty.
    """

    url: str
    base: str
    search: str
    bind_dn: str = ""
    bind_password: str = ""
    ca_file: str = ""


_directory: list[Directory] = []


def use(directory: Directory | None) -> None:
    """Ask this directory from here on; none: who enters by directory does not enter."""
    _directory[:] = [directory] if directory is not None else []


def configured() -> bool:
    """Whether there is a directory."""
    return bool(_directory)


def authenticates(username: str, password: str) -> bool:
    """Whether the directory has one such person, with this password. Raises DirectoryDown."""
    if not _directory:
        raise DirectoryDown("no directory is configured")
    if not password:  # a bind without password succeeds for everybody (RFC 4513, 5.1.2)
        return False
    from ldap3.core.exceptions import LDAPException

    try:
        name = _find(_directory[0], username)
        return name is not None and _binds(_directory[0], name, password)
    except (LDAPException, OSError) as error:
        log.warning("the directory does not answer: %s", type(error).__name__)
        raise DirectoryDown(type(error).__name__) from error


def _find(directory: Directory, username: str) -> str | None:
    """The distinguished name of the one person of this name; None when there is none, or more."""
    import ldap3
    from ldap3.utils.conv import escape_filter_chars

    connection = _connect(directory, directory.bind_dn or None, directory.bind_password or None)
    try:
        if not connection.bind():
            log.error("the directory refuses SIS_LDAP_BIND_DN: %s", connection.result["description"])
            raise DirectoryDown("the search account is refused")
        connection.search(
            directory.base,
            directory.search.replace("{username}", escape_filter_chars(username)),
            ldap3.SUBTREE,
            attributes=[ldap3.NO_ATTRIBUTES],
            size_limit=2,
            time_limit=TIMEOUT,
        )
        if connection.result["result"] not in (0, 4):  # success, more than two
            log.error("the directory refuses the search: %s", connection.result["description"])
            raise DirectoryDown("the search is refused")
        found = [row["dn"] for row in connection.response if row["type"] == "searchResEntry"]
        return str(found[0]) if len(found) == 1 else None
    finally:
        connection.unbind()


def _binds(directory: Directory, name: str, password: str) -> bool:
    # As bytes: of a text the library normalizes what it is, and refuses some as if the server were down.
    connection = _connect(directory, name, password.encode())
    try:
        return bool(connection.bind())
    finally:
        connection.unbind()


def _connect(directory: Directory, user: str | None, password: str | bytes | None) -> Any:
    """An open connection, encrypted unless it does not leave this machine."""
    import ldap3

    parts = urlsplit(directory.url)
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=directory.ca_file or None)
    server = ldap3.Server(
        parts.hostname,
        port=parts.port,
        use_ssl=parts.scheme == "ldaps",
        tls=tls,
        get_info=ldap3.NONE,
        connect_timeout=TIMEOUT,
    )
    connection = ldap3.Connection(
        server, user, password, receive_timeout=TIMEOUT, read_only=True, auto_referrals=False
    )
    connection.open()
    if parts.scheme == "ldap" and parts.hostname not in LOOPBACK and not connection.start_tls():
        raise DirectoryDown("the directory refuses to encrypt")
    return connection
