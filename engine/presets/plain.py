"""Presets of one agent type on machines of their own."""

from dataclasses import replace

from engine.scenario import (
    AgentType,
    Pool,
    Scenario,
    Slo,
    Startup,
    StartupKind,
    WorkerSize,
)

TOOL_WORKERS = Scenario(
    name="tool-workers",
    # n2-standard-4, us-central1, on demand, 30 July 2026; service times are ours.
    agent_types=(
        AgentType(
            name="tools",
            slots=4,
            price_usd_per_hour=0.194236,
            startup=Startup(kind=StartupKind.UNIFORM, mean_s=20.0, spread_s=10.0),
            service_mean_s=0.5,
            service_cv=1.0,
            overhead_s=0.02,
            prefill_tokens_per_s=50_000.0,
            decode_tokens_per_s=500.0,
            queue_timeout_s=30.0,
            exec_timeout_s=120.0,
        ),
    ),
    pools=(Pool(name="tools", agent_type="tools", workers_max=500),),
    slo=Slo(latency_s=2.0),
)
WORKER_SIZES = replace(
    TOOL_WORKERS,
    name="worker-sizes",
    # n2-standard-4, -2 and -16 at the same prices a core; that one core of each machine is kept
    # for its runtime is our assumption, and what makes large ones cheaper a slot.
    agent_types=(
        replace(
            TOOL_WORKERS.agent_types[0],
            slots=3,
            cpu_cores=4.0,
            memory_gib=16.0,
            gpus=0,
            sizes=(
                WorkerSize(
                    name="small", slots=1, price_usd_per_hour=0.097118, cpu_cores=2.0,
                    memory_gib=8.0,
                ),
                WorkerSize(
                    name="large", slots=15, price_usd_per_hour=0.776944, cpu_cores=16.0,
                    memory_gib=64.0,
                ),
            ),
        ),
    ),
)  # fmt: skip

PLAIN = (
    Scenario(),
    Scenario(
        name="long-context",
        # Splitwise measurements, llama2-70b on 8 x H100: prefill of 8,192 tokens in 845 ms,
        # 30 ms a token alone; a3-highgpu-8g, us-central1, on demand, 30 July 2026.
        agent_types=(
            AgentType(
                slots=16,
                price_usd_per_hour=88.49,
                prefill_tokens_per_s=9700.0,
                decode_tokens_per_s=33.6,
                contention=0.34,
                startup=Startup(kind=StartupKind.LOGNORMAL, mean_s=130.0, spread_s=30.0),
            ),
        ),
        slo=Slo(latency_s=45.0),
    ),
    TOOL_WORKERS,
    WORKER_SIZES,
)
