"""Numbers, sizes and routing weights come in one action, and all of it is done."""

import json
from dataclasses import replace

from engine.scenario import WorkerSize
from tests.engine.learn.sites import ran, two_sites

NAMES = ("standard", "large", "small")
SIZES = (
    WorkerSize(name="large", slots=4, price_usd_per_hour=3.3, speed=1.2),
    WorkerSize(name="small", slots=1, price_usd_per_hour=1.9, speed=0.9),
)
BOTH = "smartscale:vertical=true:routing=true:carbon=0.8"


def test_sizes_and_weights_are_chosen_in_one_replay_and_both_are_done():
    base = two_sites()
    kind = replace(base.agent_types[0], sizes=SIZES, queue_limit=None)
    run, again = (ran(BOTH, replace(base, agent_types=(kind,))) for _ in range(2))
    log = run.log
    changed = [k for k, reason in enumerate(log.reason) if "_size" in reason]
    assert {log.size[k] for k in changed} - {"standard"}
    for k in changed:  # one answer holds both parts, and says why of each
        said = json.loads(log.rationale[k])
        behind = said["best_points"] - said["points_by_size"][said["size"]]
        assert 0.0 <= behind <= said["doubt_of_others"]
        assert said["route_weight"] > 0.0
    for pool in range(2):
        mine = [k for k, owner in enumerate(log.pool) if owner == pool]
        weights = [json.loads(text)["weights"] for k in mine if (text := log.routing[k])]
        assert run.fleet.state.pools["preference"][pool] == weights[-1]["pool"] != 1.0
        assert NAMES[run.fleet.size(pool)] == [log.size[k] for k in mine if log.size[k]][-1]
    assert again.log.rationale == log.rationale
