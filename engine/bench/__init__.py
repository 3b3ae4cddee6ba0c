"""Benchmarks that regenerate every speed and memory figure; `smartscale bench NAME`."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

BENCHMARKS: Mapping[str, str] = MappingProxyType(
    {
        "kernel": "engine.bench.kernel",
        "routers": "engine.bench.routers",
        "replay": "engine.bench.replay",
        "import": "engine.bench.import_",
        "report": "engine.bench.report",
        "forecast": "engine.bench.forecast",
        "allocate": "engine.bench.allocate",
        "flash-crowd": "engine.bench.flash_crowd",
        "sliders": "engine.bench.sliders",
        "counterfactual": "engine.bench.counterfactual",
        "decisions": "engine.bench.decisions",
        "faithfulness": "engine.bench.faithfulness",
        "planner": "engine.bench.planner",
        "online": "engine.bench.online",
        "presets": "engine.bench.presets",
        "sweep": "engine.bench.sweep",
    }
)
"""Module of each benchmark by name; its `run` takes nothing and returns JSON-able figures."""


FEATURES: Mapping[str, str] = MappingProxyType({"kernel": "engine.bench.features"})
"""Module of each benchmark that can be run with every feature on, too."""


def run(name: str, *, features: bool = False) -> dict[str, Any]:
    """Runs the benchmark of this name; takes from seconds to a minute or two.

    Args:
        name: one of BENCHMARKS.
        features: with every feature on; one of FEATURES then.
    """
    module = FEATURES[name] if features else BENCHMARKS[name]
    figures: dict[str, Any] = import_module(module).run()
    return figures
