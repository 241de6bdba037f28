"""Inspectors, posts and signatures: who holds a post on a day, and who may sign a kind of document."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.base import Session
from app.core.errors import RuleBroken
from app.core.types import inside
from app.models.catalogs import Office
from app.models.security import Account
from app.models.staff import Brigade, BrigadeMember, Delegation, Holding, Inspector, Post, PostHolder
from app.operations.parameters import kept
from app.operations.seed_files import load
from app.operations.unit import act


@dataclass(frozen=True)
class Signatory:
    """Who signs, as the block prints it."""

    account_id: int
    name: str
    post: str
    quality: str
    legal_act: str

    def __str__(self) -> str:
        quality = (
            ""
            if self.quality == Holding.TITULAR.value
            else f" ({inside(next(each.label for each in Holding if each == self.quality))})"
        )
        return f"{self.name}, {self.post}{quality}"


def holder(post_code: str, on: date | None = None) -> Signatory:
    """Who holds a post on a day (today by default). Raises RuleBroken when it is vacant."""
    on = on or clock.today()
    found = _holders(on).get(post_code)
    if found is None:
        raise RuleBroken(
            f"Nadie ocupa el cargo {post_code} el {on:%d/%m/%Y}: registre a quien lo ejerce antes de firmar."
        )
    return found


def signatory(post_code: str, document_type: str, on: date | None = None) -> Signatory:
    """Who signs a kind of document for a post on a day: its holder, or the one it is delegated to."""
    on = on or clock.today()
    return holder(_delegations(on).get((post_code, document_type), post_code), on)


def delegated_to(account_id: int | None, on: date | None = None) -> frozenset[str]:
    """The kinds of document whose signature is delegated, on a day, to a post that an account holds."""
    on = on or clock.today()
    held = {post for post, one in _holders(on).items() if one.account_id == account_id}
    return frozenset(kind for (_, kind), post in _delegations(on).items() if post in held)


def _holders(on: date) -> dict[str, Signatory]:
    """Who holds each post on a day, by its code. Posts are few: asked once for every letter of a page."""

    def read() -> dict[str, Signatory]:
        rows = Session.execute(
            select(PostHolder, Post, Account)
            .join(Post, PostHolder.post_id == Post.id)
            .join(Account, PostHolder.account_id == Account.id)
            .where(PostHolder.valid_from <= on)
            .where(or_(PostHolder.valid_to.is_(None), PostHolder.valid_to >= on))
        )
        return {
            post.code: Signatory(
                account.id, account.get_full_name(), post.title, held.holding, held.legal_act
            )
            for held, post, account in rows
        }

    return kept(("holders", on), read)


def _delegations(on: date) -> dict[tuple[str, str], str]:
    """The post to which each (post, kind of document) is delegated on a day."""

    def read() -> dict[tuple[str, str], str]:
        to_post = aliased(Post)
        rows = Session.execute(
            select(Post.code, Delegation.document_type_code, to_post.code)
            .join(Post, Delegation.from_post_id == Post.id)
            .join(to_post, Delegation.to_post_id == to_post.id)
            .where(Delegation.valid_from <= on, Delegation.valid_to >= on)
        )
        return {(post, kind): to for post, kind, to in rows}

    return kept(("delegations", on), read)


def seed_demo() -> int:
    """Demonstration inspectors, brigades and posts, for training; how many inspectors were added."""
    offices = {office.code: office.id for office in Session.scalars(select(Office))}
    accounts = {account.username: account.id for account in Session.scalars(select(Account))}
    known = set(Session.scalars(select(Inspector.code)))
    rows = [row for row in load("demo.yaml", "inspectors") if row["code"] not in known]
    if not rows:
        return 0
    with act("seed.staff") as unit:
        add = unit.session.add
        found = {}
        for row in rows:
            plain = (
                "code",
                "first_name",
                "last_name",
                "sex",
                "specialty",
                "contract_type",
                "has_vehicle",
                "active_from",
            )
            found[row["code"]] = Inspector(
                office_id=offices[row["office"]],
                account_id=accounts.get(row.get("username")),
                document=row.get("document_number"),
                **{name: row.get(name) for name in plain},
            )
            add(found[row["code"]])
        unit.session.flush()
        for row in load("demo.yaml", "brigades"):
            brigade = Brigade(
                code=row["code"],
                name=row["name"],
                office_id=offices[row["office"]],
                leader_id=found[row["leader"]].id,
                shift=row["shift"],
                subject=row["subject"],
            )
            add(brigade)
            unit.session.flush()
            for code in row["members"]:
                add(BrigadeMember(brigade_id=brigade.id, inspector_id=found[code].id))
        for row in load("demo.yaml", "posts"):
            post = Post(
                code=row["code"], title=row["title"], office_id=offices[row["office"]], role=row["role"]
            )
            add(post)
            unit.session.flush()
            add(
                PostHolder(
                    post_id=post.id,
                    account_id=accounts[row["holder"]],
                    holding=row["holding"],
                    valid_from=row["valid_from"],
                    valid_to=row["valid_to"],
                    legal_act=row["legal_act"],
                )
            )
    return len(rows)
