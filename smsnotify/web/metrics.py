"""What this process counts, and the figures of the outbox. Aggregates only: no number, no text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from smsnotify.engine.conversing import Conversed
from smsnotify.engine.errands import Errands
from smsnotify.engine.handover import Tried
from smsnotify.engine.inbox import Heard, Kept
from smsnotify.engine.posted import Posted
from smsnotify.engine.settle import SettleReport
from smsnotify.engine.ticking import Ticked
from smsnotify.engine.tracking import TrackedReport
from smsnotify.model.caps import MILLION, Cap
from smsnotify.store.gauges import Gauges
from smsnotify.store.receipt_stats import ReceiptStats
from smsnotify.web.exposition import Counter, Gauge, Histogram, Labels, render
from smsnotify.web.shared_figures import Counted, SharedFigures, total

_LATENCY_S = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LAG_S = (1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600)
_UNDOCUMENTED = "undocumented"


class Metrics:
    """The counters of one process; every method may be called from any thread."""

    def __init__(self) -> None:
        """Begin at zero; `past` is read now and then, by whoever has the time.

        `shared` is there when several processes serve together.
        """
        self.past: ReceiptStats | None = None
        self.shared: SharedFigures | None = None
        self.sends = Counter(
            "smsnotify_sends_total",
            "Messages handed to an account, by what came of the try.",
            ("account", "outcome"),
        )
        self.latency = Histogram(
            "smsnotify_send_seconds",
            "From request to answer, a request.",
            ("account",),
            _LATENCY_S,
        )
        self.settled = Counter(
            "smsnotify_unknown_settled_total",
            "Messages in doubt, by what a look-up came to.",
            ("by",),
        )
        self.receipts = Counter(
            "smsnotify_receipts_total", "Receipts, by the state they tell of.", ("account", "state")
        )
        self.receipt_effects = Counter(
            "smsnotify_receipt_effects_total",
            "Receipts, by what they did; a replay did nothing.",
            ("account", "effect"),
        )
        self.receipt_lag = Histogram(
            "smsnotify_receipt_lag_seconds",
            "From the provider's own time of a receipt to its arrival here.",
            ("account",),
            _LAG_S,
        )
        self.replies = Counter(
            "smsnotify_replies_total", "Texts from people.", ("account", "outcome")
        )
        self.read_as = Counter(
            "smsnotify_replies_read_total",
            "Texts from people that were worked, by what they were taken for.",
            ("verdict",),
        )
        self.plan_steps = Counter(
            "smsnotify_plan_steps_total",
            "People in plans: entered, moved, ended.",
            ("step",),
        )
        self.errands = Counter(
            "smsnotify_errands_total",
            "What plans wanted done in the world, by what a try came to.",
            ("outcome",),
        )
        self.talk_troubles = Counter(
            "smsnotify_reply_troubles_total",
            "Portions of replies that were worked again: overtaken, or failed.",
            ("why",),
        )
        self.refusals = Counter(
            "smsnotify_hook_refusals_total",
            "Calls to hooks and to the events API that were refused.",
            ("hook", "reason"),
        )
        self.other_calls = Counter(
            "smsnotify_hook_other_calls_total",
            "Proved calls with neither receipt nor text.",
            ("hook",),
        )
        self.events = Counter(
            "smsnotify_posted_entries_total", "Entries that were posted.", ("door", "outcome")
        )
        self.decisions = Counter(
            "smsnotify_decisions_total", "Decisions of this process, by verdict.", ("verdict",)
        )
        self.reloads = Counter(
            "smsnotify_reloads_total", "Settings and rules read again.", ("outcome",)
        )
        self.ticks = Counter("smsnotify_ticks_total", "Rounds of the clock's work.", ("outcome",))
        self.restarts = Counter(
            "smsnotify_delivery_failures_total", "Times that delivery fell over and began anew."
        )
        for outcome in ("ok", "error"):
            self.reloads.add(outcome, by=0)
            self.ticks.add(outcome, by=0)
        for step in ("entered", "moved", "ended"):
            self.plan_steps.add(step, by=0)
        for by in ("adopted", "requeued", "taken_over"):
            self.settled.add(by, by=0)

    def note_tried(self, tried: Tried) -> None:
        """Count a request to a provider."""
        self.latency.observe(tried.latency_ms / 1000, tried.lane.name)
        for outcome in tried.outcomes:
            self.sends.add(tried.lane.name, outcome.result.value)

    def note_settled(self, report: SettleReport) -> None:
        """Count a round of look-ups."""
        for name in ("adopted", "requeued", "taken_over"):
            if count := getattr(report, name):
                self.settled.add(name, by=count)

    def note_heard(self, heard: Heard, now: datetime) -> None:
        """Count what a call says, once it is kept."""
        for receipt in heard.receipts:
            self.receipts.add(heard.account, receipt.state or _UNDOCUMENTED)
            if receipt.at is not None:
                lag_s = (now - receipt.at).total_seconds()
                self.receipt_lag.observe(max(lag_s, 0.0), heard.account)
        if not heard.receipts and not heard.replies:
            self.other_calls.add(heard.account)

    def note_kept(self, kept: Kept) -> None:
        """Count what keeping some calls came to."""
        if kept.receipts is not None:
            for effect in kept.receipts.__struct_fields__:
                count = getattr(kept.receipts, effect)
                if isinstance(count, int) and count:
                    self.receipt_effects.add(kept.account, effect, by=count)
        if kept.replies:
            self.replies.add(kept.account, "new", by=kept.new_replies)
            self.replies.add(kept.account, "replayed", by=kept.replies - kept.new_replies)

    def note_conversed(self, done: Conversed) -> None:
        """Count what working replies, time-outs and events of plans came to."""
        for verdict, count in done.read_as.items():
            self.read_as.add(verdict, by=count)
        for step in ("entered", "moved", "ended"):
            self.plan_steps.add(step, by=getattr(done, step))
        for verdict in ("queued", "held", "stopped"):
            if count := getattr(done, verdict):
                self.decisions.add(verdict, by=count)
        self.talk_troubles.add("overtaken", by=done.overtaken)

    def note_errands(self, errands: Errands) -> None:
        """Count a round of errands."""
        for outcome in ("done", "again", "failed"):
            if count := getattr(errands, outcome):
                self.errands.add(outcome, by=count)

    def note_talk_error(self) -> None:
        """Count a portion of replies that could not be worked now."""
        self.talk_troubles.add("failed")

    def note_posted(self, door: str, posted: Posted | TrackedReport) -> None:
        """Count what was posted."""
        self.events.add(door, "accepted", by=posted.accepted)
        self.events.add(door, "rejected", by=posted.rejected_count)
        tally = posted.tally
        for verdict in ("queued", "held", "duplicates", "stopped"):
            if count := getattr(tally, verdict):
                self.decisions.add(verdict, by=count)

    def note_tick(self, ticked: Ticked) -> None:
        """Count what a tick decided."""
        self.ticks.add("ok")
        self.note_conversed(ticked.conversed)
        for decision in ticked.reminders:
            self.decisions.add(_PLURALS[decision.verdict.value])

    def exposed(
        self,
        figures: Gauges | None,
        ticked_at: datetime | None,
        now: datetime,
        caps: Sequence[tuple[Cap, int]] = (),
    ) -> bytes:
        """Write everything; `figures` None: the database did not answer.

        `caps` are those that hold today, with how much of each is used.
        """
        counted, past = self._summed()
        up = Gauge(
            "smsnotify_database_up",
            "1 when the database answered just now.",
            values={(): float(figures is not None)},
        )
        if figures is None:
            return render([*counted, up])
        looked_back = _past(past) if past is not None else []
        return render([*counted, up, *_gauges(figures, ticked_at, now), *_caps(caps), *looked_back])

    def counted(self) -> Counted:
        """Return what this process alone counted."""
        figures = self._figures()
        return Counted(
            counters={one.name: one.held() for one in figures if isinstance(one, Counter)},
            histograms={one.name: one.held() for one in figures if isinstance(one, Histogram)},
            past=self.past,
        )

    def _figures(self) -> Sequence[Counter | Histogram]:
        return (
            *(self.sends, self.latency, self.settled, self.restarts),
            *(self.receipts, self.receipt_effects, self.receipt_lag, self.replies),
            *(self.read_as, self.plan_steps, self.errands, self.talk_troubles),
            *(self.refusals, self.other_calls, self.events, self.decisions),
            *(self.reloads, self.ticks),
        )

    def _summed(self) -> tuple[Sequence[Counter | Histogram], ReceiptStats | None]:
        """Return the figures of all processes that serve together, and the look back."""
        figures = self._figures()
        if self.shared is None:
            return figures, self.past
        summed = total([self.counted(), *self.shared.others()])
        return [
            one.with_counts(summed.counters.get(one.name, ()))
            if isinstance(one, Counter)
            else one.with_measures(summed.histograms.get(one.name, ()))
            for one in figures
        ], summed.past


def _caps(caps: Sequence[tuple[Cap, int]]) -> list[Gauge]:
    if not caps:
        return []
    limits: dict[Labels, float] = {}
    for cap, _ in caps:
        for name, limit in (("soft", cap.soft), ("hard", cap.hard)):
            if limit is not None:
                limits[cap.name, name] = _amount(cap, limit)
    return [
        Gauge(
            "smsnotify_cap_used",
            "Texts or money counted against a cap today.",
            ("cap",),
            {(cap.name,): _amount(cap, used) for cap, used in caps},
        ),
        Gauge("smsnotify_cap_limit", "What a cap allows a day.", ("cap", "limit"), limits),
    ]


def _amount(cap: Cap, amount: int) -> float:
    return amount / MILLION if cap.of == "money" else float(amount)


_PLURALS = {"send": "queued", "hold": "held", "stop": "stopped"}


def _past(stats: ReceiptStats) -> list[Gauge]:
    lags: dict[Labels, float] = {}
    for account, lag in stats.lags.items():
        lags |= {(account, "0.5"): lag.median_s, (account, "0.95"): lag.p95_s}
    return [
        Gauge(
            "smsnotify_doubted_messages",
            "Messages of 30 days that were unknown at some time, by what ended it.",
            ("ended_by",),
            {(ended_by,): float(count) for ended_by, count in stats.doubts.items()},
        ),
        Gauge(
            "smsnotify_tried_messages",
            "Messages of 30 days that were handed to a provider at least once.",
            values={(): float(stats.tried)},
        ),
        Gauge(
            "smsnotify_delivered_lag_seconds",
            "From handing over to delivered, the newest texts of 30 days.",
            ("account", "quantile"),
            lags,
        ),
        Gauge(
            "smsnotify_no_word_messages",
            "Handed over, and no final word for 72 hours.",
            values={(): float(stats.no_word)},
        ),
    ]


def _gauges(figures: Gauges, ticked_at: datetime | None, now: datetime) -> list[Gauge]:
    unknown_at = figures.oldest_unknown_at
    unknown_s = (now - unknown_at).total_seconds() if unknown_at else 0.0
    paused: dict[Labels, float] = {(account,): 1.0 for account in figures.paused.accounts}
    if figures.paused.everything:
        paused[("*",)] = 1.0
    made = [
        Gauge(
            "smsnotify_messages",
            "Open messages: held, queued, sending, unknown.",
            ("state", "priority"),
            {labels: float(count) for labels, count in figures.depth.items()},
        ),
        Gauge(
            "smsnotify_oldest_due_seconds",
            "How long the oldest queued message has been due.",
            ("priority",),
            {
                (priority,): (now - at).total_seconds()
                for priority, at in figures.oldest_due_at.items()
            },
        ),
        Gauge(
            "smsnotify_oldest_unknown_seconds",
            "How long the oldest unknown message has been so; 0 when there is none.",
            values={(): unknown_s},
        ),
        Gauge(
            "smsnotify_unsettled_messages",
            "Handed over, and no final receipt yet.",
            ("account",),
            {(account,): float(count) for account, count in figures.unsettled.items()},
        ),
        Gauge("smsnotify_paused", "1 for what is paused; * is everything.", ("account",), paused),
    ]
    if ticked_at is not None:
        made.append(
            Gauge(
                "smsnotify_last_tick_timestamp_seconds",
                "When the last whole tick of any process was.",
                values={(): ticked_at.timestamp()},
            )
        )
    return made
