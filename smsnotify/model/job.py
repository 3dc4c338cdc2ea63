"""A delivery or collection in Detrack's own field names.

Source: the job object of Detrack's API version 2 (help.detrack.com, articles 6126913 and
5879286; checked August 2026).
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Scalar = str | int | float | bool | None
Kind = Literal["text", "number", "flag", "date", "instant", "clock", "list"]


MOST_ATTEMPTS: Final = 1_000_000
"""An attempt beyond this counts nothing."""


class Milestone(msgspec.Struct, frozen=True, gc=False):
    """One entry of a job's event log, as far as it tells an event."""

    status: Scalar = None
    created_at: Scalar = None


class Job(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The fields that identity, keys, gates and derived events need, whatever the rules say.

    A rule file's decoder reads a subclass with the fields that its rules and templates use; a
    value is what JSON had: text, number, flag or null.
    """

    id: Scalar = None
    type: Scalar = None
    do_number: Scalar = None
    date: Scalar = None
    attempt: Scalar = None
    status: Scalar = None
    assign_to: Scalar = None
    reason: Scalar = None
    group_name: Scalar = None
    country: Scalar = None
    time_zone: Scalar = None
    tracking_link: Scalar = None
    eta_time: Scalar = None
    live_eta: Scalar = None
    head_to_delivery_at: Scalar = None
    head_to_pick_up_at: Scalar = None
    arrived_at: Scalar = None
    pod_at: Scalar = None
    info_received_at: Scalar = None
    scheduled_at: Scalar = None
    out_for_delivery_at: Scalar = None
    goods_service_rating: Scalar = None
    driver_rating: Scalar = None
    customer_feedback: Scalar = None
    milestones: list[Milestone] | None = None

    @property
    def number(self) -> str:
        """The D.O. number as text, `''` when there is none."""
        return "" if self.do_number is None else str(self.do_number)

    @property
    def attempt_number(self) -> int:
        """The attempt, from 1; 1 when the job does not say or says nonsense."""
        value = self.attempt
        if type(value) is not int:
            try:
                value = int(str(value))
            except ValueError:
                return 1
        return value if 0 < value <= MOST_ATTEMPTS else 1

    @property
    def kind(self) -> str:
        """`delivery` or `collection`; a job that does not say is a delivery."""
        return "collection" if str(self.type or "").strip().lower() == "collection" else "delivery"


CORE_FIELDS: Final = Job.__struct_fields__


def _fields(kind: Kind, names: str) -> dict[str, Kind]:
    return dict.fromkeys(names.split(), kind)


JOB_FIELDS: Final[dict[str, Kind]] = {
    **_fields(
        "text",
        "id type do_number detrack_number tracking_number order_number job_release_time job_time "
        "service_time time_window destination_time_window status tracking_status "
        "primary_job_status reason last_reason deliver_to_collect_from last_name phone_number "
        "sender_phone_number other_phone_numbers notify_email webhook_url customer company_name "
        "job_owner account_number instructions remarks note assign_to driver_mobile_number "
        "group_id group_name zone run_number depot depot_contact department sales_person carrier "
        "source vendor_name shipper_name service_type job_type vehicle_type tracking_link "
        "booking_link contactless_signature_link recipient_sender_device_signed_by "
        "recipient_sender_device_signature_file_url address address_1 address_2 address_3 "
        "postal_code city state country billing_address warehouse_address pick_up_from "
        "pick_up_address pick_up_address_1 pick_up_address_2 pick_up_address_3 pick_up_city "
        "pick_up_state pick_up_country pick_up_postal_code pick_up_zone pick_up_assign_to "
        "pick_up_reason payment_mode invoice_number payer_type attachment_url time_zone door "
        "received_by_sent_by signature_file_url pod_address arrived_address customer_feedback "
        "temperature hold_time serial_number "
        + " ".join(f"photo_{n}_file_url" for n in range(1, 11)),
    ),
    **_fields(
        "number",
        "attempt job_age priority address_lat address_lng geocoded_lat geocoded_lng pick_up_lat "
        "pick_up_lng payment_amount payment_collected invoice_amount job_fee job_price "
        "insurance_price total_price weight parcel_width parcel_length parcel_height cubic_meter "
        "cubic_meters boxes cartons pieces envelopes pallets bins trays bundles rolls "
        "number_of_shipping_labels marketplace_offer pod_lat pod_lng arrived_lat arrived_lng "
        "pick_up_failed_count deliver_failed_count goods_service_rating driver_rating "
        "actual_weight actual_crates actual_pallets actual_utilization items_count",
    ),
    **_fields(
        "flag",
        "reattempted auto_reschedule on_demand insurance_coverage open_to_marketplace",
    ),
    **_fields("date", "date start_date job_received_date"),
    **_fields("clock", "time_window_from time_window_to eta_time pick_up_time pod_time live_eta"),
    **_fields(
        "instant",
        "recipient_sender_device_pod_at signed_at pod_at arrived_at texted_at called_at "
        "info_received_at scheduled_at at_warehouse_at out_for_delivery_at head_to_pick_up_at "
        "pick_up_at head_to_delivery_at cancelled_at created_at "
        + " ".join(f"photo_{n}_at" for n in range(1, 11)),
    ),
    **_fields("list", "items milestones"),
}
"""Every job field that Detrack documents, with how its value is meant."""

REPLY_FIELDS: Final[dict[str, Kind]] = _fields("text", "reply_text reply_from")
"""What rules for the event `reply` may name besides: the words, and the number they come from."""

ITEM_FIELDS: Final = frozenset(
    _fields(
        "text",
        "id sku description purchase_order_number batch_number expiry_date comments quantity "
        "unit_of_measure checked actual_quantity inbound_quantity unload_time_estimate "
        "unload_time_actual follow_up_quantity follow_up_reason rework_quantity rework_reason "
        "reject_quantity reject_reason weight serial_numbers photo_url",
    )
)
"""The fields of one entry of `items`, for loops in templates."""

PHONE_FIELDS: Final = (
    "phone_number",
    "sender_phone_number",
    "other_phone_numbers",
    "driver_mobile_number",
)
"""Fields that hold one or more phone numbers."""

EMAIL_FIELDS: Final = ("notify_email",)
"""Fields that hold one or more email addresses."""
