"""Every field of a scenario with label, unit and meaning, by section of the page *Cluster*."""

from collections.abc import Mapping
from types import MappingProxyType

from app.cluster_fields.base import Field, Part, Type
from app.cluster_fields.guarding import GUARD, HOLDS
from app.cluster_fields.places import NODE_GROUPS, NODE_TYPES, REGIONS, SITING, ZONES
from app.cluster_fields.tenancy import (
    DEGRADATION,
    FAULTS,
    PARTITIONS,
    PRIORITIES,
    PRIORITY_CLASSES,
    RANDOM_FAULTS,
    REPLAY,
    SAMPLING,
    SLO,
    TENANTS,
)
from app.cluster_fields.traffic import BREAKER, CACHE, FACTORS, RETRY, ROUTER
from app.cluster_fields.workers import AGENT_TYPES, POOLS, SIZES

__all__ = ["FIELDS", "SECTIONS", "Field", "Part", "Type"]

SECTIONS: Mapping[str, tuple[Part, ...]] = MappingProxyType(
    {
        "Workers": (POOLS, AGENT_TYPES, SIZES),
        "Nodes": (NODE_GROUPS, NODE_TYPES),
        "Regions": (REGIONS, ZONES, SITING),
        "Routing": (ROUTER, FACTORS, BREAKER, CACHE, RETRY),
        "Tenants": (TENANTS, PRIORITY_CLASSES, PARTITIONS, DEGRADATION),
        "Faults": (FAULTS, RANDOM_FAULTS),
        "Guard": (GUARD, HOLDS),
        "SLO, replay": (SLO, PRIORITIES, REPLAY, SAMPLING),
    }
)
FIELDS: Mapping[str, tuple[Part, Field]] = MappingProxyType(
    {
        f"{part.key}.*.{field.path}" if part.many else f"{part.key}.{field.path}".lstrip("."): (
            part,
            field,
        )
        for parts in SECTIONS.values()
        for part in parts
        for field in part.fields
    }
)
"""By path from the scenario's top; `*` stands for each entry of a list."""
