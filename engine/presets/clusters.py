"""Presets of clusters: workers on nodes, with energy, carbon and money."""

from engine.presets.machines import CPU_NODE, GPU_NODE
from engine.scenario import (
    AgentType,
    NodeGroup,
    Placement,
    Pool,
    Region,
    Router,
    RouterKind,
    Scenario,
    Slo,
    Startup,
    StartupKind,
    Tenant,
    Zone,
)

IOWA = Region(
    # Grid: Google's figure for us-central1. PUE: typical of large sites; our assumption.
    name="us-central1",
    grid_g_per_kwh=479.0,
    utc_offset_h=-6.0,
    pue=1.1,
)
IOWA_A = Zone(name="us-central1-a", region="us-central1")
GIB_PER_REQUEST = 1e-5
"""An answer of ten kilobytes; our assumption."""

CHAT = AgentType(
    # The default agent type: the model is loaded in 45 to 75 s once its node is there.
    startup=Startup(kind=StartupKind.UNIFORM, mean_s=60.0, spread_s=15.0),
    transfer_gib_per_request=GIB_PER_REQUEST,
)
TOOLS = AgentType(
    # Service times are ours. Eight of these workers fill a node.
    name="tools",
    slots=4,
    price_usd_per_hour=0.097118,
    startup=Startup(kind=StartupKind.UNIFORM, mean_s=15.0, spread_s=5.0),
    service_mean_s=0.5,
    overhead_s=0.02,
    prefill_tokens_per_s=50_000.0,
    decode_tokens_per_s=500.0,
    queue_timeout_s=30.0,
    exec_timeout_s=120.0,
    cpu_cores=2.0,
    memory_gib=8.0,
    gpus=0,
    transfer_gib_per_request=GIB_PER_REQUEST,
)
PROCESSING = AgentType(
    # The deployment that a guide to load balancing of agents prints: 2 cores and 4 GiB a worker,
    # at most 50 tasks at a time. It takes its worker as started in 15 s; service times are ours.
    name="processing-agent",
    slots=50,
    price_usd_per_hour=0.097118,
    startup=Startup(kind=StartupKind.CONSTANT, mean_s=15.0, spread_s=0.0),
    service_mean_s=2.0,
    overhead_s=0.02,
    prefill_tokens_per_s=50_000.0,
    decode_tokens_per_s=500.0,
    queue_timeout_s=30.0,
    exec_timeout_s=120.0,
    cpu_cores=2.0,
    memory_gib=4.0,
    gpus=0,
    memory_base_gib=0.5,
    memory_per_request_gib=0.05,
)

GPU_NODES = Scenario(
    name="gpu-nodes",
    agent_types=(CHAT,),
    pools=(
        Pool(
            workers_min=2,
            workers_max=48,
            zone="us-central1-a",
            node_group="gpu",
        ),
    ),
    regions=(IOWA,),
    zones=(IOWA_A,),
    node_types=(GPU_NODE,),
    node_groups=(
        NodeGroup(
            name="gpu",
            node_type=GPU_NODE.name,
            zone="us-central1-a",
            nodes_min=1,
            nodes_max=12,
            placement=Placement.PACK,
        ),
    ),
)
CPU_NODES = Scenario(
    name="cpu-nodes",
    agent_types=(TOOLS,),
    pools=(
        Pool(
            name="tools",
            agent_type="tools",
            workers_min=4,
            workers_max=400,
            zone="us-central1-a",
            node_group="cpu",
        ),
    ),
    slo=Slo(latency_s=2.0),
    regions=(IOWA,),
    zones=(IOWA_A,),
    node_types=(CPU_NODE,),
    node_groups=(
        NodeGroup(
            name="cpu",
            node_type=CPU_NODE.name,
            zone="us-central1-a",
            nodes_min=1,
            nodes_max=50,
            placement=Placement.PACK,
            remove_empty_after_s=300.0,
            consolidate_below_frac=0.3,
        ),
    ),
)
KUBERNETES = Scenario(
    name="kubernetes",
    agent_types=(PROCESSING,),
    pools=(
        Pool(
            name="agent-service",
            agent_type="processing-agent",
            workers_min=5,
            workers_max=50,
            workers_initial=10,
            zone="us-central1-a",
            node_group="nodes",
        ),
    ),
    slo=Slo(latency_s=10.0),
    regions=(IOWA,),
    zones=(IOWA_A,),
    node_types=(CPU_NODE,),
    node_groups=(
        NodeGroup(
            name="nodes",
            node_type=CPU_NODE.name,
            zone="us-central1-a",
            nodes_min=2,
            nodes_max=20,
            placement=Placement.SPREAD,
        ),
    ),
)


def _side(name: str, zone: str) -> tuple[Pool, NodeGroup]:
    """A pool and its nodes on one side of the ocean."""
    group = NodeGroup(
        name=f"gpu-{name}",
        node_type=GPU_NODE.name,
        zone=zone,
        nodes_min=1,
        nodes_max=8,
        placement=Placement.PACK,
    )
    pool = Pool(
        name=f"chat-{name}",
        zone=zone,
        workers_min=2,
        workers_max=32,
        node_group=group.name,
    )
    return pool, group


_US, _EU = _side("us", "us-west1-a"), _side("eu", "europe-west4-a")
TWO_REGIONS = Scenario(
    name="two-regions",
    agent_types=(CHAT,),
    pools=(_US[0], _EU[0]),
    regions=(
        # Grid: Google's figures; prices against us-central1 on 30 July 2026; delays and transfer
        # are ours.
        Region(
            name="us-west1",
            grid_g_per_kwh=117.0,
            utc_offset_h=-8.0,
            pue=1.1,
            network_delay_s=0.02,
            transfer_usd_per_gib=0.08,
        ),
        Region(
            name="europe-west4",
            grid_g_per_kwh=474.0,
            utc_offset_h=1.0,
            pue=1.1,
            network_delay_s=0.1,
            price_factor=1.2718,
            transfer_usd_per_gib=0.08,
        ),
    ),
    zones=(
        Zone(name="us-west1-a", region="us-west1"),
        Zone(name="europe-west4-a", region="europe-west4"),
    ),
    node_types=(GPU_NODE,),
    node_groups=(_US[1], _EU[1]),
    router=Router(kind=RouterKind.HIERARCHICAL),
    tenants=(
        Tenant(name="global", share=3.0),
        Tenant(name="europe", share=1.0, regions=("europe-west4",)),
    ),
)

CLUSTERS = (GPU_NODES, CPU_NODES, KUBERNETES, TWO_REGIONS)
