from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from smsnotify.base.errors import ConfigError
from smsnotify.model.message import OutboundMessage, Result
from smsnotify.providers.registry import load_provider, provider_names

ACME = """
    from smsnotify.providers.base import AccountSettings, Capabilities
    from smsnotify.model.message import Outcome, Result

    class AcmeSettings(AccountSettings):
        token: str

    class Acme:
        name = "acme"
        title = "Acme"
        docs = ""
        local = True
        capabilities = Capabilities(batch=7)
        settings_type = AcmeSettings

        def __init__(self, settings, *, masked=False):
            self.settings = settings

        def send(self, messages):
            return [Outcome(message_id=m.id, result=Result.ACCEPTED) for m in messages]

    class Half:
        name = "half"
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a distribution of somebody else on the path, with its entry points."""
    (tmp_path / "acme_sms.py").write_text(textwrap.dedent(ACME))
    (tmp_path / "broken_sms.py").write_text("raise RuntimeError('half installed')")
    info = tmp_path / "acme_sms-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-sms\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[smsnotify.providers]\n"
        "acme = acme_sms:Acme\n"
        "half = acme_sms:Half\n"
        "broken = broken_sms:Gone\n"
        "twilio = acme_sms:Acme\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "acme_sms", raising=False)
    return tmp_path


def test_the_built_in_providers_are_listed():
    assert {"8x8", "sandbox", "twilio"} <= set(provider_names())


@pytest.mark.usefixtures("installed")
def test_an_installed_provider_joins_the_list_and_works():
    assert {"acme", "8x8"} <= set(provider_names())
    cls = load_provider("acme")
    account = cls(cls.settings_type.model_validate({"provider": "acme", "token": "t"}))
    message = OutboundMessage(id="m1", recipient="+6591230000", body="Hi", encoding="GSM7")
    assert account.send([message])[0].result is Result.ACCEPTED


@pytest.mark.usefixtures("installed")
def test_an_installed_provider_cannot_take_a_built_in_name():
    assert load_provider("twilio").title == "Twilio"
    assert provider_names().count("twilio") == 1


@pytest.mark.usefixtures("installed")
def test_an_installed_provider_that_breaks_is_a_clear_error():
    with pytest.raises(ConfigError, match=r"'broken' \(broken_sms:Gone\) cannot be loaded"):
        load_provider("broken")
    with pytest.raises(ConfigError, match="lacks: title, local, capabilities, settings_type"):
        load_provider("half")


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("twillio", "did you mean 'twilio'?"),
        ("Twilio", "did you mean 'twilio'?"),
        ("8x9", "did you mean '8x8'?"),
        ("pigeon", "known providers: 8x8"),
    ],
)
def test_an_unknown_provider_gets_a_hint(written, hint):
    with pytest.raises(ConfigError, match="there is no provider") as caught:
        load_provider(written)
    assert caught.value.hint.startswith(hint)


def test_listing_providers_imports_none_of_them():
    code = (
        "import sys; from smsnotify.providers.registry import provider_names; provider_names();"
        "ours = {'smsnotify.providers.base', 'smsnotify.providers.registry'};"
        "bad = [m for m in sys.modules if m in ('httpx', 'httptools', 'sqlalchemy')"
        " or m.startswith('smsnotify.providers.') and m not in ours];"
        "sys.exit(repr(bad) if bad else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
