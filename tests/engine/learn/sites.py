"""A cluster of two sites that tests of routing share, and a run on it."""

from dataclasses import replace

from engine.replay import play, set_up
from engine.scenario import Region, Router, RouterKind, Zone
from tests.engine.replays import demand, scenario, spec

HIERARCHICAL = Router(kind=RouterKind.HIERARCHICAL)
CLEAN, DIRTY = 60.0, 600.0


def two_sites(**changes):
    """A clean, dear, far site, and a dirty, cheap, near one."""
    base = scenario()
    own, shared = base.pools
    regions = (
        Region(
            name="clean", grid_g_per_kwh=CLEAN, price_factor=1.5, network_delay_s=0.2
        ),
        Region(name="dirty", grid_g_per_kwh=DIRTY, price_factor=0.8, network_delay_s=0.02),
    )  # fmt: skip
    zones = (Zone(name="c", region="clean"), Zone(name="d", region="dirty"))
    pools = (replace(own, zone="c"), replace(shared, zone="d", share=1.0))
    return replace(
        base, **{"regions": regions, "zones": zones, "pools": pools, "router": HIERARCHICAL,
                 **changes},
    )  # fmt: skip


def ran(policy, chosen=None):
    """The run of a policy on two sites, played."""
    (run,) = set_up([spec(policy, demand(), chosen or two_sites())])
    play([run])
    return run
