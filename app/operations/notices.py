"""Notices to people inside the system. Mail follows when the account has a real address (app/jobs.py)."""

from collections.abc import Iterable

from sqlalchemy import func, select, update

from app.core import clock
from app.core.base import Session
from app.models.followup import Notice
from app.operations.unit import act
from app.security.principal import current

MOST = 100
"""Unread notices that are counted one by one; more of them read «99+»."""


def tell(accounts: Iterable[int | None], text: str, url: str | None = None) -> int:
    """Leave a notice to each account, once; how many were told."""
    told = {account for account in accounts if account is not None}
    with act("notice.tell") as unit:
        for account in sorted(told):
            unit.session.add(Notice(account_id=account, text=text, url=url))
    return len(told)


def unread(limit: int = 20) -> list[Notice]:
    """The notices that the present person has not read, the newest first."""
    query = select(Notice).where(Notice.account_id == current().account_id, Notice.read_at.is_(None))
    return list(Session.scalars(query.order_by(Notice.id.desc()).limit(limit)))


def count_unread() -> int:
    """How many notices the present person has not read, up to `MOST`: what stands beside the bell."""
    own = select(Notice.id).where(Notice.account_id == current().account_id, Notice.read_at.is_(None))
    return Session.scalar(select(func.count()).select_from(own.limit(MOST).subquery())) or 0


def mark_read(keys: Iterable[int]) -> None:
    """The present person read these notices; those of others stay as they are."""
    with act("notice.read") as unit:
        unit.session.execute(
            update(Notice)
            .where(Notice.id.in_(list(keys)), Notice.account_id == current().account_id)
            .where(Notice.read_at.is_(None))
            .values(read_at=clock.now())
            .execution_options(synchronize_session=False)
        )


def mark_all_read() -> None:
    """The present person read every notice that was left to him."""
    with act("notice.read") as unit:
        unit.session.execute(
            update(Notice)
            .where(Notice.account_id == current().account_id, Notice.read_at.is_(None))
            .values(read_at=clock.now())
            .execution_options(synchronize_session=False)
        )
