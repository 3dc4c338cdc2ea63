"""What the purpose of a rule asks: marketing keeps hours, and service offers nothing."""

from __future__ import annotations

from smsnotify.model.rule import MARKETING_HOURS, MarketingHours, PreJob, QuietHours
from smsnotify.rules.offers import offer_word
from smsnotify.rules.problems import Path, Reporter
from smsnotify.rules.schema import DefaultsKeys, RuleKeys
from smsnotify.rules.schema_parts import MarketingHoursKeys
from smsnotify.rules.wordings import wordings


def check_offer(keys: RuleKeys, report: Reporter, path: Path) -> None:
    """Warn of a service rule that offers something."""
    if keys.purpose != "service" or keys.body is None:
        return
    for source, place in wordings(keys.body, (*path, "body")).values():
        word = offer_word(source)
        if word:
            report.warn(
                place,
                "offer_word",
                f"{word!r} reads like an offer, and the rule's purpose is service",
                "purpose: marketing, if it is one: then only those who asked for it get it",
            )


def marketing_hours(
    keys: RuleKeys, defaults: DefaultsKeys, pre_job: PreJob | None, report: Reporter, path: Path
) -> MarketingHours:
    """Return the hours of a rule: its own, the file's, or 10:00 to 20:00."""
    own = keys.marketing_hours
    at = (*path, "marketing_hours")
    if own is not None:
        check_marketing_hours(own, report, at)
        if keys.purpose != "marketing":
            report.error(
                at,
                "hours_without_marketing",
                "marketing_hours go with purpose: marketing, and this rule is service",
                "quiet_hours hold service texts back",
                key=True,
            )
    chosen = own or defaults.marketing_hours
    hours = MARKETING_HOURS if chosen is None else MarketingHours(chosen.start, chosen.end)
    if keys.purpose == "marketing" and pre_job is not None:
        _check_reminder(pre_job, hours, report, (*path, "pre_job", "at"))
    return hours


def check_marketing_hours(keys: MarketingHoursKeys, report: Reporter, path: Path) -> None:
    """Report hours that end before they begin."""
    if keys.start >= keys.end:
        report.error(
            path,
            "bad_value",
            "marketing_hours must end later on the day that they begin",
            '{from: "10:00", to: "20:00"}',
        )


def check_hours_meet(
    hours: MarketingHours, quiet: QuietHours | None, report: Reporter, path: Path
) -> None:
    """Report quiet hours that leave nothing of the hours for marketing."""
    if quiet is None:
        return
    if quiet.start < quiet.end:
        is_covered = quiet.start <= hours.start and hours.end <= quiet.end
    else:
        is_covered = quiet.start <= hours.start or hours.end <= quiet.end
    if is_covered:
        report.error(
            path,
            "no_hours_left",
            f"the quiet hours {quiet.start:%H:%M} to {quiet.end:%H:%M} cover all of the marketing "
            f"hours {hours.start:%H:%M} to {hours.end:%H:%M}: no text could ever leave",
            "other marketing_hours, or other quiet_hours",
        )


def _check_reminder(pre_job: PreJob, hours: MarketingHours, report: Reporter, path: Path) -> None:
    if not hours.start <= pre_job.at < hours.end:
        report.error(
            path,
            "pre_job_outside_marketing_hours",
            f"{pre_job.at:%H:%M} is outside the marketing hours {hours.start:%H:%M} to "
            f"{hours.end:%H:%M}: the reminder could never leave at its time",
            "choose another time, or other marketing_hours for this rule",
        )
