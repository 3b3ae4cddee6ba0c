"""Totals by block of time: a day is a day, and a short window is one block."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import engine.store
from engine.economics import uncertainty
from engine.planner import Planner
from engine.scenario import AgentType, Pool
from engine.store import cost_queries, run_queries, runs
from engine.trace.schema import request_table
from tests.engine.replays import keep, scenario

pytestmark = pytest.mark.slow

DAY_H = 24.0


def evenly(number, duration_s):
    """Requests at equal distances, the last one at the very end."""
    return request_table(np.linspace(0, duration_s - 1e-3, number), service_s=np.full(number, 2.0))


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    """Seven days, a request every twenty minutes, at a tick of a minute."""
    with Planner(tmp_path_factory.mktemp("week") / "store.duckdb") as planner:
        keep(planner, evenly(504, 7 * 86400.0), "week")
        keep(planner, evenly(117, 3510.0), "short")
        pools = (Pool(name="one", agent_type="small", workers_max=4),)
        chosen = scenario(
            agent_types=(AgentType(name="small", slots=2, price_usd_per_hour=3.0),), pools=pools
        )
        ids = [planner.replay(name, ("static",), scenario=chosen)[0] for name in ("week", "short")]
        yield planner._store, [runs.find_run(planner._store, run_id) for run_id in ids]


def test_a_week_is_seven_days_from_midnight_to_midnight(week):
    store, (run, _) = week
    found = cost_queries.blocks(store, run, [2], DAY_H)
    assert found["hours"].tolist() == pytest.approx([24.0] * 7)
    with store.transaction() as cursor:
        rows = cursor.execute(
            "SELECT t_s, cost_usd, arrived FROM ticks WHERE run_no = ?", [run.run_no]
        ).fetchall()
    for day in range(7):
        inside = [row for row in rows if day * 86400 <= row[0] < (day + 1) * 86400]
        assert found["cost_usd"][day] == pytest.approx(sum(row[1] for row in inside), rel=1e-12)
        assert found["arrived"][day] == sum(row[2] for row in inside)


def test_hours_are_hours_and_blocks_need_not_divide_the_window(week):
    store, (run, _) = week
    assert cost_queries.blocks(store, run, [2], 1.0)["hours"].tolist() == pytest.approx(
        [1.0] * 168
    )
    found = cost_queries.blocks(store, run, [2], 50.0)
    assert found["hours"].tolist() == pytest.approx([50, 50, 50, 18])


def test_a_short_window_is_one_block(week):
    store, (_, run) = week
    assert uncertainty.block_length_h(3510 / 3600) is None
    found = cost_queries.blocks(store, run, [2], 3510 / 3600)
    assert found["hours"].tolist() == pytest.approx([3510 / 3600])


def test_points_of_a_timeline_are_equally_wide_whole_ticks(week):
    store, (run, _) = week
    for seen in (run_queries.timeline, run_queries.latency):
        frame = seen(store, run, run_queries.Span(max_points=100))
        widths = np.round(frame["bucket_s"].to_numpy() / run.tick_s)
        assert set(widths[:-1]) == {np.ceil(7 * 86400 / run.tick_s / 100)}
        assert len(frame) <= 100


def sql_texts():
    folder = Path(engine.store.__file__).parent
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path.name, node.value
    for path in sorted(folder.glob("*.sql")):
        yield path.name, path.read_text("utf-8")


def test_no_query_divides_floating_numbers_as_if_they_were_whole():
    """In DuckDB `//` of doubles is plain division; all of ours divide whole ticks."""
    used = {
        (name, re.sub(r".*(\(tick .*//\s\S+).*", r"\1", line))
        for name, text in sql_texts()
        for line in re.sub(r"--.*", "", text).splitlines()
        if "//" in line.replace("://", "").replace("`//`", "")
    }
    assert used == {
        ("run_queries.py", "(tick - width.first) // width.ticks"),
        ("run_queries.py", "(tick - $first) // $width"),
        ("account_queries.py", "(tick - $first) // $width"),
        ("service_queries.py", "(tick - $first) // $width"),
    }
