"""Every error that this program raises on purpose.

SmsNotifyError
├── UsageError
├── ConfigError
├── InputError
├── RuleError
│   ├── RuleFileError
│   └── RuleEvaluationError
├── PlanError
├── EventError
├── TextError
│   ├── PhoneNumberError
│   ├── TemplateError
│   └── MissingValueError
├── ProviderError
│   ├── NotSentError
│   └── OutcomeUnknownError
├── WebhookError
├── StoreError
│   ├── StoreUnavailableError
│   ├── SchemaVersionError
│   └── OvertakenError
└── StoppedError
    └── VolumeGuardError

An expected refusal (quiet hours, an opt-out, a duplicate) is not an error: it is a decision with
a reason word. Messages say what was wrong, where, and what to do next; they never hold a full
number, a body or a secret.
"""

from __future__ import annotations

from typing import ClassVar


class SmsNotifyError(Exception):
    """Something went wrong that a person can act on."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 2
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Say what was wrong and where in `message`, and what to do next in `hint`."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message alone; whoever prints it decides where the hint goes."""
        return self.message


class UsageError(SmsNotifyError):
    """The command was called in a way that cannot work."""

    code = "usage"


class ConfigError(SmsNotifyError):
    """A setting is missing, wrong, or names something that is not there."""

    code = "config"


class InputError(SmsNotifyError):
    """An input file cannot be read at all."""

    code = "input"


class RuleError(SmsNotifyError):
    """A rule is wrong."""

    code = "rule"


class RuleFileError(RuleError):
    """One or more rule files have problems; `problems` lists every one with its position."""

    code = "rule_file"

    def __init__(self, message: str, *, problems: tuple[object, ...] = (), hint: str = "") -> None:
        """Keep the list of `model.problem.Problem` values beside the summary sentence."""
        super().__init__(message, hint=hint)
        self.problems = problems


class RuleEvaluationError(RuleError):
    """A valid rule met a value that it cannot work with."""

    code = "rule_evaluation"


class PlanError(SmsNotifyError):
    """A plan is not there, or the stored version of one cannot be used any more."""

    code = "plan"


class EventError(SmsNotifyError, ValueError):
    """One line of input is not an event that we can read; `reason` is its word."""

    code = "event"
    exit_code = 1

    def __init__(self, message: str, *, reason: str = "not_an_event", hint: str = "") -> None:
        """Carry the reason word that the rejected line is filed under."""
        super().__init__(message, hint=hint)
        self.reason = reason


class TextError(SmsNotifyError, ValueError):
    """A text or a number cannot be made."""

    code = "text"


class PhoneNumberError(TextError):
    """A number cannot be read as E.164."""

    code = "phone_number"


class TemplateError(TextError):
    """A template is refused: wrong syntax, an unknown name, or something not allowed in it."""

    code = "template"

    def __init__(self, message: str, *, line: int = 1, name: str = "", hint: str = "") -> None:
        """Give the line inside the template and the name that it stumbled over, if any."""
        super().__init__(message, hint=hint)
        self.line = line
        self.name = name


class MissingValueError(TextError):
    """A template met a field without a value and without `default()`."""

    code = "missing_value"

    def __init__(self, field: str) -> None:
        """Name the field whose value is missing."""
        hint = f"{{{{ {field} | default('…') }}}}"
        super().__init__(f"the field {field!r} has no value", hint=hint)
        self.field = field


class ProviderError(SmsNotifyError):
    """A provider account cannot be used, or refused something."""

    code = "provider"
    exit_code = 3


class NotSentError(ProviderError):
    """The request certainly did not reach the provider: connect refused, no route, TLS failed."""

    code = "not_sent"
    retryable = True


class OutcomeUnknownError(ProviderError):
    """The request went out and no answer that we can read came back: maybe sent."""

    code = "outcome_unknown"


class WebhookError(SmsNotifyError):
    """A webhook call is not authenticated or cannot be read."""

    code = "webhook"


class StoreError(SmsNotifyError):
    """The database refused or failed."""

    code = "store"
    exit_code = 3


class StoreUnavailableError(StoreError):
    """The database cannot be reached, is locked, is full, or is read-only."""

    code = "store_unavailable"
    retryable = True


class SchemaVersionError(StoreError):
    """The database was made by another version of this program."""

    code = "schema_version"


class OvertakenError(StoreError):
    """Another process was faster with the same reply or person: read again, then decide again."""

    code = "overtaken"
    retryable = True


class StoppedError(SmsNotifyError):
    """The work was stopped before or in the middle, on purpose."""

    code = "stopped"
    exit_code = 3


class VolumeGuardError(StoppedError):
    """More people than usual would be texted; nothing was sent."""

    code = "volume_guard"
