"""Which settings file counts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from smsnotify.base.errors import ConfigError

FILE_NAME: Final = "sms-notify.toml"
VARIABLE: Final = "SMS_NOTIFY_CONFIG"


def find_settings(config: Path | None = None) -> Path | None:
    """Return the settings file, absolute; None when there is none anywhere.

    Looked for in this order: `config` (`--config`), `$SMS_NOTIFY_CONFIG`, the working folder, the
    user's own configuration folder.

    Raises:
        ConfigError: a file was named and is not there.
    """
    if config is not None:
        return _named(config, "--config")
    if variable := os.environ.get(VARIABLE):
        return _named(Path(variable), f"${VARIABLE}")
    for folder in (Path.cwd(), user_folder()):
        candidate = folder / FILE_NAME
        if candidate.is_file():
            return candidate
    return None


def user_folder() -> Path:
    """Return the folder for this user's settings, as the operating system has it."""
    from platformdirs import user_config_path

    return user_config_path("sms-notify", appauthor=False)


def _named(path: Path, said_by: str) -> Path:
    path = path.expanduser().absolute()
    if path.is_dir():
        raise ConfigError(
            f"{path} is a folder, not a settings file (from {said_by})",
            hint=f"name the file in it, for example {path / FILE_NAME}",
        )
    if not path.exists():
        raise ConfigError(
            f"there is no settings file {path} (from {said_by})",
            hint="sms-notify init writes one",
        )
    return path
