"""What a slot costs now, against what is usual: what the allocator sees of it, and learns by."""

import math
from dataclasses import replace

import numpy as np
import pytest

from engine.learn import tokens
from engine.learn.cells import episode
from engine.learn.exam import _played
from engine.learn.forms import DIAL
from engine.learn.mind import over_usual
from engine.learn.online import Online
from engine.learn.policy import SmartScale
from engine.learn.rewards import SCORES
from engine.learn.upsets import spared
from engine.policies.base import Observation, SizeFacts, WorkerView

COLUMN = tokens.TOKEN.index("log(price of a slot / usual)")
NOBODY = WorkerView(
    started_s=np.empty(0), ready_s=np.empty(0), draining=np.empty(0, np.int32),
    utilisation=np.empty(0),
)  # fmt: skip


def seen(t_s, usd_per_hour, **more):
    """A pool that is half busy, at a price of its workers."""

    def whole(value):
        return np.full(1, value)

    return Observation(
        t_s=t_s, tick_s=15.0, target=whole(2), starting=whole(0), ready=whole(2),
        draining=whole(0), queued=whole(0), in_service=whole(4), arrived=whole(30),
        finished=whole(30), failed=whole(0), offered_slots=whole(4.0), busy_slots=whole(4.0),
        p95_s=whole(1.0), workers=(NOBODY,), price_usd_per_hour=whole(usd_per_hour),
        **more,
    )  # fmt: skip


def test_the_usual_price_is_the_mean_of_what_was_seen_so_far(make_context):
    policy = SmartScale(make_context(price_usd_per_hour=7.0))
    for number, price in enumerate((2.0, 4.0, 6.0)):
        policy.propose(seen(15.0 * (number + 1), price))
    assert over_usual(policy.mind) == pytest.approx([6.0 / 4.0])
    assert policy.mind.rows[0, COLUMN] == pytest.approx(math.log(1.5))


def test_another_size_is_no_other_price(make_context):
    sizes = (
        SizeFacts(name="standard", slots=4, speed=1.0, price_usd_per_hour=1.0),
        SizeFacts(name="large", slots=8, speed=1.0, price_usd_per_hour=3.0),
    )
    policy = SmartScale(make_context(sizes=sizes, size="standard"), vertical=True)
    policy.propose(seen(15.0, 1.0, size=("standard",)))
    assert over_usual(policy.mind) == pytest.approx([1.0])
    policy._sizing._turn(0, 1)
    policy.mind.seen[:, tokens.PRICE] = 3.0
    assert over_usual(policy.mind) == pytest.approx([1.0])


@pytest.mark.parametrize("prices", [(0.0, 3.0), (1.0, 0.0), (0.0, 0.0)])
def test_a_price_is_usual_where_workers_cost_nothing(make_context, prices):
    sizes = tuple(
        SizeFacts(name=name, slots=slots, speed=1.0, price_usd_per_hour=price)
        for name, slots, price in zip(("standard", "large"), (4, 8), prices, strict=True)
    )
    policy = SmartScale(make_context(sizes=sizes, size="standard"), vertical=True)
    first = seen(15.0, prices[0], size=("standard",))
    policy.propose(replace(first, starting=np.full(1, 1)))  # so that it keeps the size
    assert over_usual(policy.mind) == pytest.approx([1.0])
    policy._sizing._turn(0, 1)
    policy.mind.seen[:, tokens.PRICE] = prices[1]
    assert over_usual(policy.mind) == pytest.approx([1.0])


def test_learning_while_deciding_earns_less_at_a_higher_price_by_the_weight_of_cost_alone():
    earned = {}
    for name in ("cost", "carbon"):
        weights = np.array([float(name == score) for score in SCORES])
        for price in (1.0, 2.0):
            online = Online(weights, np.full(1, 4.0), np.full(1, 60.0), 15.0, 5)
            online._decisions = 1  # not at the end of a block, so that what was earned is kept
            online.steered(
                np.zeros(1), seen(15.0, 1.0), np.full(1, 2.0), np.full(1, 4.0), np.full(1, price)
            )
            earned[name, price] = float(online._earned[-1][0])
    assert earned["cost", 2.0] == pytest.approx(1.5 - 2.0 * (1.5 - earned["cost", 1.0]))
    assert earned["carbon", 2.0] == earned["carbon", 1.0]


def test_pools_that_are_spared_meet_nothing_and_the_others_what_they_met():
    drawn = episode(3, 1, 8).upsets
    made = spared(drawn, slice(5, None))
    for name in ("crashed", "failing", "slow"):
        assert not getattr(made, name)[5:].any()
        assert np.array_equal(getattr(made, name)[:5], getattr(drawn, name)[:5])
    for name in ("speed", "price"):
        assert (getattr(made, name)[5:] == 1.0).all()
        assert np.array_equal(getattr(made, name)[:5], getattr(drawn, name)[:5])


def test_the_exam_charges_what_a_slot_cost_when_it_was_held():
    still, other = episode(3, 1, 3), episode(3, 1, 3)
    still = replace(still, upsets=spared(still.upsets, slice(None)))
    dear = replace(other, upsets=still.upsets._replace(price=still.upsets.price * 2.0))
    paid = [_played(each, lambda _: np.full(3, 0.5), DIAL).cost for each in (still, dear)]
    assert paid[1] == pytest.approx(2.0 * paid[0])
    assert paid[0] > 0.0
