"""Settings as a deployment gives them: a file and variables, none of which may be misspelt.

In: a settings file, environment variables. Out: the settings; an error for a `SMALLPOOL_…` variable that nothing reads.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from smallpool_config.settings import ENVIRONMENT_PREFIX, Settings, load_settings

READ_ELSEWHERE = {"SMALLPOOL_CONFIG", "SMALLPOOL_DATA", "SMALLPOOL_ADMIN_KEY"}


def settings_of(file: Path, environment: Mapping[str, str]) -> Settings:
    """The settings; raises what `load_settings` does."""
    unread = {name for name in environment if name.startswith(ENVIRONMENT_PREFIX)} - _names() - READ_ELSEWHERE
    assert not unread
    return load_settings(file, environment)


def _names() -> set[str]:
    sections = {section.name: section.type for section in msgspec.structs.fields(Settings)}
    return {
        f"{ENVIRONMENT_PREFIX}{name}_{setting.name}".upper()
        for name, kind in sections.items()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        for setting in msgspec.structs.fields(kind)
    }
