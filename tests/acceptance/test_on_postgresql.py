"""The same commands on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

from loopback import Loopback
from place import Place, event, job


def test_a_day_on_postgresql(
    place: Place, eight: Loopback, make_postgres: Callable[[], str]
) -> None:
    account = {"provider": "8x8", "api_key": "k", "subaccount_id": "acme", "base_url": eight.url}
    guard = {"first_live": 2, "times_usual": 1}
    database = make_postgres()
    place.settings(mode="live", accounts={"main": account}, database=database, volume_guard=guard)
    file = place.events(event(), b"{", event(number=2))
    unprepared = place.process(file)
    assert (unprepared.code, "db upgrade" in unprepared.err) == (3, True)
    assert place.run("db", "upgrade").code == 0
    rehearsed = place.process("--dry-run", file)
    done = place.process(file)
    assert (done.code, done.summary["sent"], done.summary["rejected"]) == (1, 2, 1)
    assert done.only("decision") == rehearsed.only("decision")
    assert place.process(file).summary["duplicates"] == 2
    crowd = place.events(*(job(number, status="completed") for number in range(10, 13)))
    assert place.process(crowd).code == 3
    assert place.process("--yes-volume", crowd).summary["sent"] == 3
    assert place.json("tick").code == 0
    assert len(place.json("why", "DO-1").only("message")) == 1
    assert len(eight.sent) == 5
    wrong = database.replace("/desk_", "/nobody_")
    away = place.run("process", file, "--database", wrong)
    assert (away.code, "does not exist" in away.err) == (3, True)
