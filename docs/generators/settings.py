"""Every key of the settings file: from the models, with a sentence and an example for each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from generators.tables import code, table
from smsnotify.base.durations import format_duration
from smsnotify.providers.base import AccountSettings
from smsnotify.providers.registry import load_provider
from smsnotify.wiring.models import (
    CapSettings,
    ConsoleSettings,
    Conversation,
    CountryCaps,
    Detrack,
    OwnWords,
    Prices,
    RecipientCaps,
    SandboxSettings,
    ServeSettings,
    Settings,
    TrackingSettings,
    VolumeGuard,
)

Told = dict[str, tuple[str, str]]

SETTINGS: Final[Told] = {
    "mode": (
        "`sandbox` records texts and sends none, `test` really texts only the numbers in `allow` "
        "and `test_to`, `live` texts everyone.",
        'mode = "test"',
    ),
    "database": (
        "Where jobs, decisions and messages are kept: SQLite, or PostgreSQL.",
        'database = "postgresql://desk@db.example.com/texts"',
    ),
    "rules": ("Rule files and folders.", 'rules = ["rules.yaml", "rules.d"]'),
    "country": (
        "Your country. It reads national numbers, and is the only destination unless `countries` "
        "says more. Without it, only numbers with + can be read, and every destination is allowed.",
        'country = "SG"',
    ),
    "countries": (
        "The destinations that may be texted; all others stop with `country_not_allowed`.",
        'countries = ["SG", "MY"]',
    ),
    "timezone": (
        "The zone of days and hours where the job, the contact and the country tell none.",
        'timezone = "Asia/Singapore"',
    ),
    "language": (
        "The language of the tracking and the opt-out page where nothing is known of the reader, "
        "and the browser asks for none that they speak; see [languages](../how-to/languages.md).",
        'language = "zh"',
    ),
    "public_url": (
        "The address at which the world reaches your webhooks.",
        'public_url = "https://notify.example.com"',
    ),
    "test_to": (
        "Your own number: `send-test` texts it, and in mode `test` it gets what others would.",
        'test_to = "+6591230000"',
    ),
    "test_to_email": (
        "Your own mailbox: in mode `test` it gets the mails that others would.",
        'test_to_email = "ops@example.com"',
    ),
    "allow": (
        "In mode `test` these numbers, email addresses and routes of alarms are really told.",
        'allow = ["+6591230000"]',
    ),
    "staff": (
        "The firm's own people: alerts of plans go to these numbers, and routes of alarms.",
        'staff = ["+6591230000", "ops"]',
    ),
    "opt_out_scope": (
        "What a person is out of who says STOP: `all` (every rule and account), `sender` (texts "
        "from the number that they wrote to) or `purpose` (marketing alone).",
        'opt_out_scope = "all"',
    ),
    "volume_guard": (
        "When a run asks before it sends; see [below](#volume_guard). `false` switches it off.",
        "volume_guard = {first_live = 500}",
    ),
    "accounts": ("Your accounts with providers; see [below](#accounts).", "[accounts.main]"),
    "conversation": (
        "How conversations are led; see [below](#conversation).",
        "[conversation]",
    ),
    "keywords": (
        "Words that mean STOP, START or HELP besides the built-in ones; see [below](#keywords).",
        "[keywords.sg]",
    ),
    "detrack": ("Where `pull detrack` reads jobs; see [below](#detrack).", "[detrack]"),
    "prices": ("What a segment costs; see [below](#prices).", "[prices]"),
    "caps": (
        "How many texts leave at most, and for how much money; see [below](#caps).",
        "[caps]",
    ),
    "routes": ("In which order accounts are tried; see [below](#routes).", "[routes]"),
    "sandbox": (
        "How `sms-notify sandbox` behaves; see [below](#the-sandbox-command).",
        "[sandbox]",
    ),
    "serve": ("Proxies and the access log; see [below](#serve).", "[serve]"),
    "tracking": (
        "The tracking page of jobs that bring no link; see [below](#tracking).",
        "[tracking]",
    ),
    "console": (
        "The pages at `/console` for those who run the desk; see [below](#console).",
        "[console]",
    ),
}
CONSOLE: Final[Told] = {
    "enabled": ("Whether `serve` has the pages at all.", "enabled = false"),
    "session": (
        "After so long one logs in anew, from `1m` to `30d`.",
        'session = "8h"',
    ),
    "idle": (
        "Whoever does nothing for so long logs in anew; a page that looks by itself does nothing.",
        'idle = "30m"',
    ),
}
TRACKING: Final[Told] = {
    "enabled": (
        "Texts that want a link get one to our page where the job brings none; needs `public_url`.",
        "enabled = true",
    ),
    "fields": (
        "What the page shows of the job, in this order; status and its times always.",
        'fields = ["do_number", "deliver_to_collect_from", "time_window"]',
    ),
    "brand": ("The firm's name.", 'brand = "Acme Logistics"'),
    "logo": ("A file (svg, png, jpg, webp); up to 200 KiB, served by us.", 'logo = "logo.svg"'),
    "colour": ("The colour of the page's head and button.", 'colour = "#0b6e4f"'),
    "contact": ("Where people get in touch.", 'contact = "tel:+6561234567"'),
    "driver_name": ("Whether the driver's name is shown.", "driver_name = true"),
    "proof": (
        "Whether photos, signature and who received it are shown; a browser loads the pictures "
        "from where the job says they are.",
        "proof = true",
    ),
    "keep_days": (
        "So many days after the job's date the page is there; a job that moves takes it along.",
        "keep_days = 7",
    ),
}
VOLUME_GUARD: Final[Told] = {
    "first_live": (
        "So many people one run may always text unasked.",
        "first_live = 500",
    ),
    "times_usual": (
        "Beyond that, so many times what was the most in the last 20 live runs of the command.",
        "times_usual = 3",
    ),
}
CONVERSATION: Final[Told] = {
    "most_a_minute": (
        "So many texts of one number are worked in a minute; the rest is kept and not answered.",
        "most_a_minute = 10",
    ),
    "answers": (
        "The answers to STOP, START and HELP (`stop`, `start`, `help`; empty for none), and the "
        "question which of two things an answer meant (`choice`).",
        'answers = {stop = "ACME: no more texts. START to come back."}',
    ),
    "action_file": (
        "Where `action` steps write their lines.",
        'action_file = "/var/spool/acme/actions.jsonl"',
    ),
    "webhook_secret": (
        "Signs the calls of `webhook` steps.",
        'webhook_secret = {file = "webhook.secret"}',
    ),
}
KEYWORDS: Final[Told] = {
    "stop": ("Whole texts that opt a person out.", 'stop = ["no more lah"]'),
    "start": ("Whole texts with which a person comes back.", 'start = ["come back"]'),
    "help": ("Whole texts that are answered with help.", 'help = ["what is this"]'),
}
DETRACK: Final[Told] = {
    "api_key": ("Detrack's API key.", 'api_key = {file = "detrack.key"}'),
    "base_url": ("Another address of the API.", 'base_url = "http://127.0.0.1:9000"'),
}
PRICES: Final[Told] = {
    "currency": ("Three letters; what `preview` writes behind the cost.", 'currency = "SGD"'),
}
SERVE: Final[Told] = {
    "trusted_proxies": (
        "Addresses and networks of your proxies: what they say of the caller counts, and nobody "
        "else's word does.",
        'trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]',
    ),
    "forwarded": (
        "Where they say it: `x-forwarded` (X-Forwarded-For and -Proto) or `forwarded` (RFC 7239). "
        "The other kind is not read: a proxy passes it on as a caller wrote it.",
        'forwarded = "forwarded"',
    ),
    "access_log": (
        "A line of JSON on stderr for each request; `--access-log` does the same.",
        "access_log = true",
    ),
}
CAPS: Final[Told] = {
    "per_run": ("Texts of one run of a command, held ones too.", "per_run = 5000"),
    "per_day": ("Texts of a day.", "per_day = {soft = 15000, hard = 20000}"),
    "money_per_run": ("Money of one run, held texts too.", "money_per_run = 200"),
    "money_per_day": ("Money of a day.", "money_per_day = {soft = 300, hard = 400}"),
    "recipient": (
        "Texts to one recipient, over all rules and plans; see [below](#caps).",
        "[caps.recipient]",
    ),
    "countries": ("Texts to one country; see [below](#caps).", "[caps.countries.US]"),
}
RECIPIENT_CAPS: Final[Told] = {
    "per_hour": ("In an hour of the clock.", "per_hour = 3"),
    "per_day": ("In a day.", "per_day = {soft = 6, hard = 10}"),
}
COUNTRY_CAPS: Final[Told] = {
    "per_day": ("Texts of a day.", "per_day = 100"),
    "money_per_day": ("Money of a day.", "money_per_day = 20"),
}
SANDBOX: Final[Told] = {
    "host": ("The address to listen on.", 'host = "127.0.0.1"'),
    "port": ("The port; 0 takes a free one.", "port = 9000"),
    "notify": (
        "Where the hooks are really reached when `public_url` is an address of the outside.",
        'notify = "http://127.0.0.1:8787"',
    ),
    "faults": (
        "What goes wrong, and with which share of sends or receipts.",
        'faults = {429 = 0.1, "lost-receipt" = 0.05}',
    ),
    "latency": ("How late every answer to a send is.", 'latency = "200ms"'),
    "retry_after": ("Seconds that a 429 asks to wait.", "retry_after = 5"),
    "slow": ("How late slow receipts are.", 'slow = "5m"'),
    "seed": ("A number that makes the same bad day again.", "seed = 7"),
}
ACCOUNT: Final[Told] = {
    "provider": ("Who it is with; `sms-notify providers list` names them.", 'provider = "8x8"'),
    "sender": (
        "The number or the word that texts come from. A word cannot receive replies.",
        'sender = "ACME"',
    ),
    "senders": (
        "Other senders by destination country.",
        'senders = {US = "+15017122661"}',
    ),
    "countries": (
        "The destinations that it serves; routes skip it for others. Without it: all.",
        'countries = ["SG", "MY"]',
    ),
    "messages_per_second": (
        "Never faster than this. Without it: no limit of ours.",
        "messages_per_second = 50",
    ),
    "concurrency": ("Requests in flight at a time, 1 to 1024.", "concurrency = 32"),
    "base_url": (
        "Another address of the provider's API: a proxy, or a test server.",
        'base_url = "http://127.0.0.1:9001"',
    ),
    "webhook_token": (
        "For providers that sign nothing: the value that their webhook must bring.",
        'webhook_token = {file = "8x8.webhook"}',
    ),
}
PROVIDERS: Final[dict[str, Told]] = {
    "apprise": {
        "urls": (
            "Where alarms go: addresses of apprise. They hold tokens, so each is a secret.",
            'urls = [{file = "slack.url"}, {env = "PAGER_URL"}]',
        ),
    },
    "8x8": {
        "api_key": ("The API key of the Connect portal.", 'api_key = {file = "8x8.key"}'),
        "subaccount_id": ("The sub-account that sends.", 'subaccount_id = "acme_notify"'),
        "account_id": (
            "The account above it; needed only to ask for balance and prices.",
            'account_id = "acme"',
        ),
        "region": ("Where the account lives: `apac`, `na`, `eu` or `id`.", 'region = "apac"'),
    },
    "twilio": {
        "account_sid": ("The account; begins with AC.", 'account_sid = "AC…"'),
        "auth_token": (
            "Signs requests in where there is no API key, and proves webhooks.",
            'auth_token = {file = "twilio.token"}',
        ),
        "api_key_sid": ("An API key instead; begins with SK.", 'api_key_sid = "SK…"'),
        "api_key_secret": ("The API key's secret.", 'api_key_secret = {file = "twilio.secret"}'),
        "signing_secret": (
            "Proves webhooks where Twilio signs with a shared key of its own.",
            'signing_secret = {file = "twilio.signing"}',
        ),
        "messaging_service_sid": (
            "A messaging service in the place of `sender`; begins with MG.",
            'messaging_service_sid = "MG…"',
        ),
        "reply_with": (
            "`twiml` answers texts in Twilio's own call where that is ready in time; "
            "see [conversations](../explanation/conversations.md).",
            'reply_with = "twiml"',
        ),
        "edge": ("An edge of Twilio's network.", 'edge = "singapore"'),
        "region": ("A region of Twilio.", 'region = "ie1"'),
    },
    "sandbox": {},
    "smtp": {
        "host": ("The mail server.", 'host = "smtp.example.com"'),
        "port": ("Unsaid: 587 for starttls, 465 for tls, 25 for none.", "port = 587"),
        "tls": ("How the line is made secret: `starttls`, `tls` or `none`.", 'tls = "starttls"'),
        "username": ("Who logs in; unsaid, the sender's address.", 'username = "notify"'),
        "password": (
            "Its password; without one nobody logs in.",
            'password = {file = "smtp.password"}',
        ),
    },
}


def top() -> str:
    """Return the settings at the top of the file."""
    return _keys(Settings, SETTINGS)


def volume_guard() -> str:
    """Return the keys of `volume_guard`."""
    return _keys(VolumeGuard, VOLUME_GUARD)


def conversation() -> str:
    """Return the keys of `[conversation]`."""
    return _keys(Conversation, CONVERSATION)


def keywords() -> str:
    """Return the keys of `[keywords.LANG]`."""
    return _keys(OwnWords, KEYWORDS)


def detrack() -> str:
    """Return the keys of `[detrack]`."""
    return _keys(Detrack, DETRACK)


def prices() -> str:
    """Return the keys of `[prices]` beside the providers' own tables."""
    return _keys(Prices, PRICES)


def caps() -> str:
    """Return the keys of `[caps]`."""
    return _keys(CapSettings, CAPS)


def recipient_caps() -> str:
    """Return the keys of `[caps.recipient]`."""
    return _keys(RecipientCaps, RECIPIENT_CAPS)


def country_caps() -> str:
    """Return the keys of `[caps.countries.XX]`."""
    return _keys(CountryCaps, COUNTRY_CAPS)


def sandbox() -> str:
    """Return the keys of `[sandbox]`."""
    return _keys(SandboxSettings, SANDBOX)


def tracking() -> str:
    """Return the keys of `[tracking]`."""
    return _keys(TrackingSettings, TRACKING)


def serve() -> str:
    """Return the keys of `[serve]`."""
    return _keys(ServeSettings, SERVE)


def console() -> str:
    """Return the keys of `[console]`."""
    return _keys(ConsoleSettings, CONSOLE)


def accounts() -> str:
    """Return the keys that every account may have."""
    return _keys(AccountSettings, ACCOUNT)


def own_keys(provider: str) -> str:
    """Return the keys that only this provider's accounts have."""
    model = load_provider(provider).settings_type
    return _keys(model, PROVIDERS[provider], without=tuple(AccountSettings.model_fields))


def _keys(model: type[BaseModel], told: Told, *, without: tuple[str, ...] = ()) -> str:
    rows = []
    for key, field in model.model_fields.items():
        if key not in without:
            meaning, example = told[key]
            default = "needed" if field.is_required() else _default(field.default)
            rows.append((code(key), meaning, default, code(example)))
    return table(("key", "meaning", "without it", "example"), rows)


def _default(default: Any) -> str:
    if default in (None, "", (), [], {}) or default is PydanticUndefined:
        return ""
    if isinstance(default, timedelta):
        return code(f'"{format_duration(default)}"') if default else ""
    if isinstance(default, BaseModel):
        return ""
    if isinstance(default, tuple):
        return code("[" + ", ".join(f'"{each}"' for each in default) + "]")
    return code(f'"{default}"' if isinstance(default, str) else default)
