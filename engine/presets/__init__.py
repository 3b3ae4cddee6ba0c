"""Scenarios to start from, each with the source of its numbers."""

from collections.abc import Mapping
from types import MappingProxyType

from engine.presets.clusters import CLUSTERS
from engine.presets.plain import PLAIN
from engine.scenario import Scenario

__all__ = ["DEFAULT", "PRESETS"]

PRESETS: Mapping[str, Scenario] = MappingProxyType(
    {preset.name: preset for preset in (*PLAIN, *CLUSTERS)}
)
"""By name; the first is the default."""
DEFAULT = next(iter(PRESETS))
