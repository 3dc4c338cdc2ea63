"""The notifications that a Detrack account usually has, as the rule file that `init` writes."""

from __future__ import annotations

from typing import Final

_HEAD: Final = """\
# Who is texted, about what, and when. Each rule below is off until you set `enabled: true`.
# Check this file with:  sms-notify rules validate
# See the texts with:    sms-notify preview
# Before you go live, switch the same notifications off in Detrack, or people get them twice.
version: 1

defaults:
  tracking_link: append        # the job's tracking link, on a line of its own below the text
  quiet_hours:                 # in the recipient's time zone; held texts leave when `tick` runs
    from: "21:00"
    to: "08:00"                # what is no news the next morning (arrived …) is dropped instead
  max_segments: 3              # a longer text is stopped
  max_age: 24h                 # an older event makes no text
  expires: 24h                 # a text that could not leave in this time is given up

rules:
"""

_RULES: Final = """\
  # The order is known; the goods are not on their way yet.
  - name: info-received
    enabled: false
    job_type: delivery
    events: [info_received]
    to: {fields: [phone_number]}
    body: "We have received your order {{ do_number }} and will tell you when it is planned."

  # A driver has the job, and its date lies ahead. A moved date is told again.
  - name: scheduled
    enabled: false
    job_type: delivery
    events: [scheduled]
    to: {fields: [phone_number]}
    body: "Your delivery {{ do_number }} is planned for {{ date | date }}."

  # The evening before, whatever else was sent.
  - name: tomorrow
    enabled: false
    job_type: delivery
    events: [pre_job]
    pre_job: {days_before: 1, at: "18:00"}
    to: {fields: [phone_number]}
    body: "Your delivery {{ do_number }} comes tomorrow, {{ time_window | default('all day') }}."

  - name: collection-tomorrow
    enabled: false
    job_type: collection
    events: [pre_job]
    pre_job: {days_before: 1, at: "18:00"}
    to: {fields: [phone_number]}
    body: "Tomorrow we collect {{ do_number }}, {{ time_window | default('all day') }}."

  # The driver has left with it.
  - name: out-for-delivery
    enabled: false
    job_type: delivery
    events: [out_for_delivery]
    to: {fields: [phone_number]}
    body: "Your delivery {{ do_number }} comes today, {{ time_window | default('all day') }}."

  # The driver tapped "Head to location": worthless in half an hour.
  - name: heading-to
    enabled: false
    events: [heading_to]
    max_age: 30m
    expires: 30m
    to: {fields: [phone_number]}
    body: "Our driver is heading to you now with {{ do_number }}."

  - name: heading-to-cancelled
    enabled: false
    events: [heading_to_cancelled]
    max_age: 30m
    expires: 30m
    to: {fields: [phone_number]}
    body: "Another stop comes first. We will tell you when {{ do_number }} is on its way."

  - name: arrived
    enabled: false
    events: [arrived]
    max_age: 15m
    expires: 15m
    to: {fields: [phone_number]}
    body: "Our driver is at your door with {{ do_number }}."

  # The live arrival time has passed the planned one; once per attempt.
  - name: delayed
    enabled: false
    events: [delayed]
    max_age: 2h
    expires: 2h
    to: {fields: [phone_number]}
    body: "Sorry, {{ do_number }} is late. It should be with you at {{ live_eta | time }}."

  - name: delivered
    enabled: false
    job_type: delivery
    events: [completed]
    to: {fields: [phone_number]}
    body: "Your delivery {{ do_number }} has arrived. Thank you."

  - name: collected
    enabled: false
    job_type: collection
    events: [completed]
    to: {fields: [phone_number]}
    body: "We have collected {{ do_number }}. Thank you."

  - name: partly-delivered
    enabled: false
    job_type: delivery
    events: [completed_partial]
    to: {fields: [phone_number]}
    body: "Part of your delivery {{ do_number }} has arrived. The rest was not accepted."

  # With `reasons: ["Nobody at home"]` only for those.
  - name: failed
    enabled: false
    job_type: delivery
    events: [failed]
    to: {fields: [phone_number]}
    body: "We could not deliver {{ do_number }}: {{ reason | default('nobody was there') }}."

  # Who sent the goods hears of it too.
  - name: failed-tell-sender
    enabled: false
    job_type: delivery
    events: [failed]
    to: {fields: [sender_phone_number]}
    tracking_link: none
    body: "Delivery {{ do_number }} failed: {{ reason | default('no reason given') }}."

  - name: on-hold
    enabled: false
    job_type: delivery
    events: [on_hold]
    to: {fields: [phone_number]}
    body: "Your delivery {{ do_number }} is on hold. We will tell you when it goes on."

  - name: return
    enabled: false
    job_type: delivery
    events: [return]
    to: {fields: [phone_number]}
    body: "Your delivery {{ do_number }} is going back to the sender."

  - name: new-attempt
    enabled: false
    job_type: delivery
    events: [new_attempt]
    to: {fields: [phone_number]}
    body: "We will try again to deliver {{ do_number }} on {{ date | date }}."
"""


def usual_rules() -> str:
    """Return the rule file: every usual notification, each with `enabled: false`."""
    return _HEAD + _RULES
