"""Ships the default settings, the knowledge base, the trained models and the example pools inside the wheel.

In: the checkout's `config/*.toml`, `config/knowledge/`, `config/models/` and `config/pools/`. Out: the same names under
`smallpool_config/defaults/`. An editable install gets nothing, since it reads them from the checkout.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED_FOLDERS = ("knowledge", "models", "pools")


class ShipDefaults(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the defaults to a standard wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """`version` is "standard" or "editable"; hatchling copies what `force_include` maps."""
        if version != "standard":
            return
        config = Path(self.root, "config")
        shipped = [*config.glob("*.toml"), *(config / folder for folder in SHIPPED_FOLDERS)]
        build_data["force_include"].update({str(path): f"smallpool_config/defaults/{path.name}" for path in shipped})
