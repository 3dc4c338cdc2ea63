"""Pages of a job and what is rated on them, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text
from store_cases import NOW, job_row

from smsnotify.engine.timeline import history_of
from smsnotify.model.job import Job
from smsnotify.store.batch import Batch, EventRow
from smsnotify.store.conversation_batch import NewLink
from smsnotify.store.feedback import Rating
from smsnotify.store.store import Store

MEI = "+6591230000"
DAY = timedelta(hours=24)


def page_of(store: Store) -> str:
    """Keep a job with two events and a page; return the page's token."""
    row = job_row(Job(id="j1", do_number="DO-1"))
    events = [EventRow(row.subject, name, "", None, b"{}") for name in ("scheduled", "completed")]
    token = store.tracking_token(row.subject, MEI)
    link = NewLink(token=token, kind="tracking", recipient=MEI, subject=row.subject)
    batch = Batch(jobs=[row], events=events, decisions=[], messages={}, at=NOW, links=[link])
    assert store.save(batch) == {}
    return token


def test_a_page_tells_of_its_job(store: Store) -> None:
    token = page_of(store)
    found = store.find_tracked([token]).get(token)
    assert found is not None
    assert (found.recipient, found.rated) == (MEI, None)
    assert [name for name, _ in found.events] == ["scheduled", "completed"]
    nobodys = ["A" * 22, store.opt_out_token(MEI), ""]
    assert store.find_tracked(nobodys) == {}
    assert store.find_tracked([*nobodys, token, token]) == {token: found}


def test_many_pages_are_found_at_once(store: Store) -> None:
    tokens = []
    for number in range(70):
        row = job_row(Job(id=f"j{number}", do_number=f'DO-"{number}"'))
        names = ["scheduled", "heading_to", "completed"][: number % 4]
        events = [EventRow(row.subject, name, "", None, b"{}") for name in names]
        token = store.tracking_token(row.subject, MEI)
        link = NewLink(token=token, kind="tracking", recipient=MEI, subject=row.subject)
        batch = Batch(jobs=[row], events=events, decisions=[], messages={}, at=NOW, links=[link])
        assert store.save(batch) == {}
        tokens.append(token)
    found = store.find_tracked(tokens)
    assert list(map(len, (found, tokens))) == [70, 70]
    for number, token in enumerate(tokens):
        assert found[token].job.subject == f"id:j{number}"
        assert len(found[token].events) == number % 4
        assert found == found | store.find_tracked([token])


def test_each_reader_of_a_job_has_a_page_of_their_own(store: Store) -> None:
    tokens = {store.tracking_token(job, who) for job in ("id:1", "id:2") for who in (MEI, "+65")}
    assert len(tokens) == 4
    assert store.tracking_token("id:1", MEI) in tokens


def test_a_rating_is_kept_once_and_changed_for_a_day(store: Store) -> None:
    token = page_of(store)
    found = store.find_tracked([token]).get(token)
    assert found is not None
    first, second = Rating(goods=2, driver=5, comment="wet\0"), Rating(goods=4)
    assert store.keep_rating(token, found, first, NOW, NOW - DAY)
    later = NOW + timedelta(hours=23)
    assert store.keep_rating(token, found, second, later, later - DAY)
    too_late = NOW + timedelta(hours=24)
    assert not store.keep_rating(token, found, first, too_late, too_late - DAY)
    rated = store.find_tracked([token]).get(token)
    assert rated is not None
    assert rated.rated is not None
    assert rated.rated.rating == second
    assert (rated.rated.created_at, rated.rated.updated_at) == (NOW, later)


def test_a_rating_stands_in_the_story_of_whoever_gave_it(store: Store) -> None:
    token = page_of(store)
    found = store.find_tracked([token]).get(token)
    assert found is not None
    store.keep_rating(token, found, Rating(goods=2, comment="wet"), NOW, NOW - DAY)
    (given,) = store.ratings_of(MEI, 10)
    assert (given.job, given.stored.rating.goods) == ("DO-1", 2)
    assert store.ratings_of("+6591230009", 10) == []
    history = history_of(store, MEI, 10)
    assert history is not None
    told = [(one.kind, one.told, one.at) for one in history.moments]
    assert told == [("rating", "DO-1: goods 2 of 5, “wet”", NOW)]


def test_who_is_forgotten_leaves_no_comment_and_no_page(store: Store) -> None:
    token = page_of(store)
    found = store.find_tracked([token]).get(token)
    assert found is not None
    store.set_contact(MEI, NOW, name="Mei")
    assert store.keep_rating(token, found, Rating(comment="Mei of door 3"), NOW, NOW - DAY)
    assert store.forget(MEI, NOW) is not None
    assert store.find_tracked([token]).get(token) is None
    with store.read() as connection:
        assert connection.execute(text("SELECT comment FROM feedback")).scalars().all() == [""]


def test_old_pages_and_ratings_are_pruned(store: Store) -> None:
    token = page_of(store)
    found = store.find_tracked([token]).get(token)
    assert found is not None
    assert store.keep_rating(token, found, Rating(goods=1), NOW, NOW - DAY)
    early = store.prune(NOW + timedelta(days=300))
    assert (early.pages, early.feedback) == (0, 0)
    pruned = store.prune(NOW + timedelta(days=500))
    assert (pruned.pages, pruned.feedback) == (1, 1)
