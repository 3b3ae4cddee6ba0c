"""Training in a browser: it fits its window; an allocator that is better is looked at and used."""

import pytest
from playwright.sync_api import expect

from engine.learn import adapt_shelf as shelf
from engine.planner import Planner
from tests.engine.learn.copies import copy_shipped

SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 1024, "height": 768}}


def rows(factor):
    return [
        {"cost_weight": weight, "cost": factor * cost, "missed_frac": missed,
         "slo_missed_frac": missed, "p99": 3.0}
        for weight, cost, missed in ((0.05, 2.2, 0.01), (0.5, 1.8, 0.03), (0.8, 1.6, 0.07))
    ]  # fmt: skip


@pytest.fixture(scope="module")
def made(serve, tmp_path_factory):
    """A dashboard with a fine-tuning that ended well and one that was killed."""
    store = tmp_path_factory.mktemp("training") / "store.duckdb"
    with Planner(store) as planner:  # so that no test waits for the first start
        planner.ensure_samples()
        planner.demo()
    for name, result in (("killed", False), ("good", True)):
        folder = shelf.folder_of(store, name)
        plan = {"kind": "adapt", "trace": "mine", "trace_id": "x", "start": "shipped",
                "distances": {"shipped": 0.4}}  # fmt: skip
        shelf.note_plan(folder, plan)
        for number in range(1, 7):
            shelf.add_curve(
                folder,
                {"episode": number, "episodes": 6, "seconds": 9.0 * number,
                 "reward": 0.1 * number, "reward_std": 0.3, "critic_loss": 30.0 / number,
                 "entropy": None if number < 3 else -0.1 * number, "alpha": None, "cost": 2.0,
                 "missed_frac": 0.1 / number, "validation": 0.05 * number, "best": True},
            )  # fmt: skip
        if result:
            copy_shipped(folder)
            shelf.note_result(
                folder,
                {"better": True, "saving_frac": 0.04, "days": ["mine"], "before": rows(1.0),
                 "after": rows(0.96), "verdict": "costs 4.0% less at equal misses"},
            )  # fmt: skip
    return serve(store)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_fits_its_window(made, open_page, settle, shot, size, scheme):
    page = open_page(f"{made.url}/training?training=good", viewport=SIZES[size],
                     color_scheme=scheme)  # fmt: skip
    expect(page.get_by_text("What it is worth", exact=True)).to_be_visible()
    shot(page, f"training-{size}-{scheme}")
    overflow = page.get_by_test_id("stMain").evaluate("e => e.scrollWidth - e.clientWidth")
    assert overflow <= 0
    for table in page.get_by_test_id("stTable").all():
        assert table.evaluate("e => e.scrollWidth - e.clientWidth") <= 1


def test_what_was_killed_can_go_on_and_what_is_better_can_be_used(made, open_page, settle, shot):
    page = open_page(f"{made.url}/training?training=killed")
    expect(page.get_by_role("button", name="Go on")).to_be_enabled()
    page.goto(f"{made.url}/training?training=good")
    page.get_by_role("button", name="Let smartscale use it").click()
    expect(page.get_by_text("trained here.")).to_be_visible()
    settle(page)
    assert shelf.find(made.store, "good").promoted
    page.get_by_role("button", name="Use the shipped one again").click()
    expect(page.get_by_text("comes with the product")).to_be_visible()
