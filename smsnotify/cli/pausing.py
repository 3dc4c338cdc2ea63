"""What `pause` checks before it stops anything."""

from __future__ import annotations

from smsnotify.base.errors import UsageError
from smsnotify.cli.desk import Desk


def known_account(desk: Desk, account: str) -> None:
    """Refuse a name that no account has: a pause that stops nothing is worse than none.

    Raises:
        UsageError: there is no such account.
    """
    known = [*desk.settings.accounts, "sandbox"]
    if account and account not in known:
        raise UsageError(
            f"there is no account {account!r}", hint=f"the accounts are {', '.join(known)}"
        )
