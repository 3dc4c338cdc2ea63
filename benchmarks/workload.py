"""The input of the benchmarks: job events of about 1.7 kB with 62 job fields, and 100 rules.

Deterministic: the same count gives the same bytes. The mix holds named events, bare snapshots
(6 %), the same line again (3 %), jobs without the name that a text needs (2 %), numbers written
nationally, and jobs that a rule's `where` leaves out. About 0.65 rules match an event.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

GROUPS = [f"Group {n}" for n in range(20)]
EVENTS = (
    ["completed"] * 30
    + ["out_for_delivery"] * 20
    + ["heading_to"] * 18
    + ["failed"] * 12
    + ["arrived"] * 12
    + ["info_received"] * 8
)
STATUS = {
    "completed": "completed",
    "failed": "failed",
    "info_received": "info_recv",
}
NAMES = ["Mei Tan", "Ravi Kumar", "Aisyah Rahman", "John Lim", "Chloé Martin", "Ana Søndergård"]
EVENT_SHARE, SNAPSHOT_SHARE, AGAIN_SHARE = 0.91, 0.06, 0.03
PER_JOB = 2.5


def job(rng: random.Random, number: int, event: str) -> dict[str, object]:
    """Return one job object with 62 fields, about 1.6 kB of JSON."""
    stamp = f"2026-03-02T{rng.randrange(8, 14):02d}:{rng.randrange(60):02d}:00.000+08:00"
    name = "" if rng.random() < 0.02 else rng.choice(NAMES)
    phone = f"9{number % 10_000_000:07d}"
    return {
        "id": f"65f{number:021x}",
        "type": "Delivery" if number % 5 else "Collection",
        "do_number": f"DO-{number:08d}",
        "detrack_number": f"DET{number:08d}",
        "tracking_number": f"T-{number:08d}",
        "order_number": f"SO-{number:08d}",
        "attempt": 1,
        "date": "2026-03-02",
        "start_date": "2026-03-02",
        "job_age": 1,
        "job_release_time": "09:00 AM",
        "job_time": "30 mins",
        "time_window": "0900 - 1100 hrs",
        "job_received_date": "2026-03-01",
        "eta_time": "14:30",
        "live_eta": None,
        "status": STATUS.get(event, "dispatched"),
        "tracking_status": "Out for delivery",
        "primary_job_status": "dispatched",
        "reason": "Nobody at home" if event == "failed" else None,
        "last_reason": None,
        "deliver_to_collect_from": name or None,
        "last_name": None,
        "phone_number": f"+65{phone}" if number % 3 else phone,
        "sender_phone_number": None,
        "notify_email": "customer@example.test",
        "webhook_url": None,
        "customer": f"Customer {number % 997}",
        "company_name": "Acme",
        "account_number": f"AC-{number % 997:05d}",
        "instructions": "Leave with the guard.",
        "remarks": "Fragile",
        "note": None,
        "assign_to": f"Van {number % 60}",
        "driver_mobile_number": None,
        "group_id": f"5e{number % 20:022x}",
        "group_name": GROUPS[number % 20],
        "zone": f"Z{number % 9}",
        "run_number": f"R{number % 40}",
        "depot": "Jurong",
        "address": "12 Example Street, Singapore 560012",
        "address_1": "12 Example Street",
        "postal_code": "560012",
        "city": "Singapore",
        "country": "SG",
        "address_lat": 1.3691,
        "address_lng": 103.8454,
        "payment_mode": "Prepaid",
        "payment_amount": 0.0,
        "invoice_number": f"INV-{number:08d}",
        "weight": 2.5,
        "boxes": 1,
        "items_count": rng.randrange(1, 6),
        "tracking_link": f"https://trk.la/{number:07x}",
        "time_zone": "Asia/Singapore",
        "head_to_delivery_at": stamp if event in ("heading_to", "arrived") else None,
        "arrived_at": stamp if event == "arrived" else None,
        "pod_at": stamp if event in ("completed", "failed") else None,
        "goods_service_rating": None,
        "driver_rating": None,
        "customer_feedback": None,
        "photo_1_file_url": "https://files.example.test/1.jpg",
    }


def lines(count: int, seed: int = 7) -> Iterator[bytes]:
    """Yield `count` lines of input."""
    rng = random.Random(seed)
    recent: list[bytes] = []
    for index in range(count):
        draw = rng.random()
        if draw < AGAIN_SHARE and recent:
            yield rng.choice(recent)
            continue
        number = int(index / PER_JOB)
        event = rng.choice(EVENTS)
        body = job(rng, number, event)
        if draw < AGAIN_SHARE + SNAPSHOT_SHARE:
            line = json.dumps(body)
        else:
            time = f"2026-03-02T{rng.randrange(8, 14):02d}:{rng.randrange(60):02d}:00+08:00"
            line = json.dumps({"event": event, "id": f"e{index}", "time": time, "job": body})
        raw = line.encode() + b"\n"
        if len(recent) < 1000:
            recent.append(raw)
        else:
            recent[index % 1000] = raw
        yield raw


def write_events(path: Path, count: int) -> Path:
    """Write a file of `count` events unless it is there already."""
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.writelines(lines(count))
        part.rename(path)
    return path


def rules_yaml(count: int = 100) -> str:
    """Return `count` rules: five kinds per group, and more groups the more rules there are."""
    kinds = (
        ("completed", "", "Hi {{ deliver_to_collect_from }}, order {{ do_number }} has arrived."),
        (
            "failed",
            'reasons: ["Nobody at home"]',
            "We missed you, {{ deliver_to_collect_from }}: order {{ do_number }} comes again.",
        ),
        (
            "out_for_delivery",
            "where: {items_count: {gte: 2}}",
            "Order {{ do_number }} is on its way, planned for {{ eta_time | default('today') }}.",
        ),
        ("arrived", "where: {weight: {gt: 1}}", "The driver is here with {{ do_number }}."),
        ("delayed", "", "Order {{ do_number }} is late: new time {{ live_eta }}."),
    )
    parts = ["version: 1", "rules:"]
    for index in range(count):
        event, extra, body = kinds[index % 5]
        group = f"Group {index // 5}"
        parts += [f"  - name: {event}-{index // 5}", f"    events: [{event}]"]
        parts += [f"    groups: [{group}]"]
        if extra:
            parts.append(f"    {extra}")
        parts += ["    to: {fields: [phone_number]}", f'    body: "{body}"']
    return "\n".join(parts) + "\n"


SETTINGS = """mode = "sandbox"
country = "SG"
timezone = "Asia/Singapore"
database = "sqlite:///bench.db"
rules = ["rules.yaml"]
"""
AS_OF = "2026-03-02T15:00:00+08:00"


def prepare(folder: Path, *, rules: int = 100) -> Path:
    """Write settings and rules into a folder; return the settings file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.yaml").write_text(rules_yaml(rules), encoding="utf-8")
    settings = folder / "sms-notify.toml"
    settings.write_text(SETTINGS, encoding="utf-8")
    settings.chmod(0o600)
    return settings
