"""Everything a replay needs besides trace and policy: frozen and validated.

The same object is edited on the pages, read by the command line and stored with every run;
`scenario_file` turns it into TOML and back.
"""

from engine.scenario.faults import Fault, FaultKind
from engine.scenario.guarding import Guard, Hold
from engine.scenario.places import (
    CostMode,
    GreenBudget,
    NodeGroup,
    NodeType,
    Placement,
    Purchase,
    Region,
    Zone,
)
from engine.scenario.promises import WEIGHT_FIELDS, Priorities, Sampling, Slo
from engine.scenario.routing import (
    Affinity,
    Backoff,
    Breaker,
    Cache,
    FactorWeights,
    Retry,
    Router,
    RouterKind,
)
from engine.scenario.siting import Siting, SitingRule
from engine.scenario.tenancy import (
    Degradation,
    DegradeKind,
    Partitions,
    PriorityClass,
    Tenant,
)
from engine.scenario.whole import TICK_MAX_S, TICK_MIN_S, OnFailure, Scenario
from engine.scenario.workers import (
    STANDARD,
    AgentType,
    OverMemory,
    Pool,
    QueueKind,
    Resize,
    Startup,
    StartupKind,
    WorkerSize,
)

__all__ = [
    "STANDARD",
    "TICK_MAX_S",
    "TICK_MIN_S",
    "WEIGHT_FIELDS",
    "Affinity",
    "AgentType",
    "Backoff",
    "Breaker",
    "Cache",
    "CostMode",
    "Degradation",
    "DegradeKind",
    "FactorWeights",
    "Fault",
    "FaultKind",
    "GreenBudget",
    "Guard",
    "Hold",
    "NodeGroup",
    "NodeType",
    "OnFailure",
    "OverMemory",
    "Partitions",
    "Placement",
    "Pool",
    "Priorities",
    "PriorityClass",
    "Purchase",
    "QueueKind",
    "Region",
    "Resize",
    "Retry",
    "Router",
    "RouterKind",
    "Sampling",
    "Scenario",
    "Siting",
    "SitingRule",
    "Slo",
    "Startup",
    "StartupKind",
    "Tenant",
    "WorkerSize",
    "Zone",
]
