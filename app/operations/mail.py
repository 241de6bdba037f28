"""Letters by electronic mail, through the ministry's own server. Called by the worker, never by a request."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

TIMEOUT = 20
"""Seconds that the mail server may take for one step."""


@dataclass(frozen=True)
class Post:
    """Where mail goes out, who sends it, and the address by which people enter the system."""

    smtp_url: str
    sender: str
    public_url: str


_post: list[Post] = []


def use(smtp_url: str | None, sender: str | None, public_url: str) -> None:
    """Send through this server from here on (the factory says which); none: the system sends no mail."""
    _post[:] = [Post(smtp_url or "", sender or "", public_url)]


def configured() -> bool:
    """Whether the system can send mail."""
    return bool(_post and _post[0].smtp_url)


def address_of(path: str) -> str:
    """The full address of a page, from the configuration alone: never the host that a visitor named."""
    return _post[0].public_url + path


def send(to: str, subject: str, words: str) -> None:
    """Send a plain text. Raises OSError or smtplib.SMTPException when the server does not take it."""
    post = _post[0]
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = post.sender, to, subject
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=post.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(words)
    parts = urlsplit(post.smtp_url)
    host, context = parts.hostname or "", ssl.create_default_context()
    server: smtplib.SMTP
    if parts.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, parts.port or 465, timeout=TIMEOUT, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=TIMEOUT)
    with server:
        if parts.scheme == "smtp+starttls":
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
