"""Presets of one agent type on machines of their own."""

from engine.scenario import AgentType, Pool, Scenario, Slo, Startup, StartupKind

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
    Scenario(
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
    ),
)
