"""`db prune` forgets what is old enough, and nothing that still counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from smsnotify.engine.ticking import PRUNED
from smsnotify.model.decision import MessageKey
from smsnotify.model.message import Message, MessageState
from smsnotify.store.batch import Batch
from smsnotify.store.open import open_store
from smsnotify.store.outbox import Wanted


def keep(url: str, id: str, at: datetime, state: MessageState) -> None:
    message = Message(
        id=id,
        state=state,
        recipient="+6591230000",
        body="Hello",
        created_at=at,
        updated_at=at,
    )
    key = MessageKey(id, "live", "completed", "done", "1", "sms", "+6591230000")
    with open_store(url) as store:
        store.save(Batch(jobs=[], events=[], decisions=[], messages={key: message}, at=at))


def test_what_is_old_enough_is_forgotten_at_once(cli: Any, folder: Path) -> None:
    url = f"sqlite:///{folder.as_posix()}/sms-notify.db"
    now = datetime.now(UTC)
    # Ids ascend with time; these are as old as ids can be.
    keep(url, "0" * 25 + "1", now - timedelta(days=500), MessageState.DELIVERED)
    keep(url, "0" * 25 + "2", now - timedelta(days=500), MessageState.UNKNOWN)
    done = cli("db", "prune", "--json")
    assert done.code == 0
    assert done.json[0]["type"] == "db_prune"
    assert done.json[0]["forgotten"]["messages"] == 1
    with open_store(url) as store:
        (left,) = store.list_messages(Wanted())
        assert left.state is MessageState.UNKNOWN
        assert store.get_watermark(PRUNED) is not None


def test_people_see_a_table(cli: Any, folder: Path) -> None:
    assert cli("pause").code == 0
    shown = cli("db", "prune")
    assert shown.code == 0
    assert "messages" in shown.out


def test_without_a_database_there_is_nothing_to_forget(cli: Any, folder: Path) -> None:
    assert cli("db", "prune").code == 3
    assert not (folder / "sms-notify.db").exists()
