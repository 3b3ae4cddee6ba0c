"""Benchmarks that regenerate every speed and memory figure; `smartscale bench NAME`."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

BENCHMARKS: Mapping[str, str] = MappingProxyType(
    {
        "kernel": "engine.bench.kernel",
        "replay": "engine.bench.replay",
        "import": "engine.bench.import_",
        "report": "engine.bench.report",
        "forecast": "engine.bench.forecast",
        "allocate": "engine.bench.allocate",
    }
)
"""Module of each benchmark by name; its `run` takes nothing and returns JSON-able figures."""


def run(name: str) -> dict[str, Any]:
    """Runs the benchmark of this name; takes from seconds to a minute."""
    figures: dict[str, Any] = import_module(BENCHMARKS[name]).run()
    return figures
