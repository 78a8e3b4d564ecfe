"""The composition root: which adapter stands behind which port, one module a wiring.

In: settings and a clock. Out: a `System`.
"""

from smallpool_config.settings import Settings
from smallpool_config.wiring.embedded import Embedded
from smallpool_config.wiring.system import System
from smallpool_core.errors import Problem, SettingsRefused
from smallpool_core.ports import Clock
from smallpool_service.trace import Observer

__all__ = ["Embedded", "System", "open_system"]


def open_system(settings: Settings, clock: Clock | None = None, observer: Observer | None = None) -> System:
    """The system that the settings ask for; opens nothing yet. `observer` takes the figures instead of `System.metrics`.

    Raises `SettingsRefused` where the packages of the wiring are not installed.
    """
    if settings.wiring == "embedded":
        return Embedded(settings, clock, observer)
    try:
        from smallpool_config.wiring.distributed import Distributed  # its packages are an extra
    except ModuleNotFoundError as exc:
        problem = Problem("wiring", repr(settings.wiring), f"it needs the package {exc.name}: pip install 'smallpool[distributed]'")
        raise SettingsRefused([problem]) from exc
    return Distributed(settings, clock, observer)
