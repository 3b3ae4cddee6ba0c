"""What a scenario says of pools that replays pass on: sizes to policies, worth to the record."""

import numpy as np

from engine.cluster.money import worker_usd_per_hour
from engine.policies.base import SizeFacts
from engine.records import Worth
from engine.scenario import Scenario

__all__ = ["size_facts", "worth_of"]


def size_facts(scenario: Scenario, pool: int) -> tuple[SizeFacts, ...]:
    """The sizes that a pool's workers can have."""
    return tuple(
        SizeFacts(
            name=size.name,
            slots=size.slots,
            speed=size.speed,
            price_usd_per_hour=worker_usd_per_hour(scenario, pool, size),
        )
        for size in scenario.agent_type_of(scenario.pools[pool]).all_sizes
    )


def worth_of(scenario: Scenario) -> Worth:
    """What requests are worth and take."""
    kinds = [scenario.agent_type_of(pool) for pool in scenario.pools]
    regions = [scenario.region_of(pool.zone) for pool in scenario.pools]
    return Worth(
        revenue_usd_per_request=scenario.slo.revenue_usd_per_request,
        penalty_usd_per_violation=scenario.slo.penalty_usd_per_violation,
        has_cache=scenario.cache is not None,
        gib_per_request=np.array([kind.transfer_gib_per_request for kind in kinds]),
        round_trip_s=np.array([region.network_delay_s for region in regions]),
    )
