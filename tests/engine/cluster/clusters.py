"""Small clusters on nodes that tests share."""

from engine.scenario import (
    AgentType,
    NodeGroup,
    NodeType,
    Placement,
    Pool,
    Scenario,
    Slo,
    Startup,
    StartupKind,
)


def after(seconds):
    """A start that always takes as long."""
    return Startup(kind=StartupKind.CONSTANT, mean_s=seconds)


def machine(**changes):
    """Holds four workers."""
    values = {
        "name": "box",
        "cpu_cores": 8.0,
        "memory_gib": 32.0,
        "usd_per_hour": 4.0,
        "watts_idle": 100.0,
        "watts_full": 300.0,
        "provision": after(60.0),
    }
    return NodeType(**{**values, **changes})


def on_nodes(group=None, kind=None, pools=None, agent=None, **changes):
    """A scenario of workers of 2 cores on nodes of 8."""
    worker = AgentType(
        **{
            "name": "small",
            "slots": 2,
            "price_usd_per_hour": 99.0,
            "startup": after(20.0),
            "cpu_cores": 2.0,
            "memory_gib": 4.0,
            "gpus": 0,
            "contention": 0.0,
            "queue_limit": None,
            "queue_timeout_s": None,
            "exec_timeout_s": None,
            **(agent or {}),
        }
    )
    groups = {
        "name": "boxes",
        "node_type": "box",
        "nodes_max": 10,
        "placement": Placement.PACK,
        "remove_empty_after_s": 30.0,
    }
    held = Pool(name="held", agent_type="small", workers_initial=1, node_group="boxes")
    values = {
        "agent_types": (worker,),
        "pools": pools or (held,),
        "node_types": (machine(**(kind or {})),),
        "node_groups": (NodeGroup(**{**groups, **(group or {})}),),
        "slo": Slo(latency_s=10.0),
    }
    return Scenario(**{**values, **changes})
