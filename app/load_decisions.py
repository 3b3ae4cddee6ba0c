"""Decisions of runs, cached for the pages; as `app.load`."""

from typing import Any

import pandas as pd
import streamlit as st

from app import load
from app.jobs import Job
from app.load import ENTRIES, board, planner, report, report_file
from engine.explain.counterfactuals import Counterfactual
from engine.explain.decision import Decision
from engine.explain.faithfulness import Faithfulness as Faithful
from engine.explain.queue import Questionable
from engine.explain.search import Found
from engine.explain.session import Asked, Checked


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def decision_marks(run_id: str, **wanted: Any) -> pd.DataFrame:
    """Decisions over time; see `Planner.decision_marks`."""
    return planner().decision_marks(run_id, **wanted)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def decision_counts(run_id: str, **wanted: Any) -> pd.DataFrame:
    """Decisions by kind and reason; see `Planner.decision_counts`."""
    return planner().decision_counts(run_id, **wanted)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def found_decisions(run_id: str, text: str, most: int, **wanted: Any) -> Found:
    """Sentences; see `Planner.find`."""
    return planner().find(run_id, text, most=most, **wanted)


def numbered(run_id: str) -> bool:
    """Whether the run's decisions have numbers: older versions gave none."""
    return not decision_counts(run_id).empty and bool(found_decisions(run_id, "", 1).hits)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def decision(run_id: str, number: int) -> Decision:
    """One decision in full; see `Planner.decision`."""
    return planner().decision(run_id, number=number)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def decision_at(run_id: str, t_s: float, pool: str) -> Decision:
    """The last decision at or before a time."""
    return planner().decision(run_id, at_s=t_s, pool=pool)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def neighbour(run_id: str, number: int, by: int, **wanted: Any) -> int | None:
    """The next decision, or the one before, that passes a filter; None: there is none."""
    return planner().neighbour(run_id, number, by, **wanted)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def first_difference(run_id: str, other_id: str) -> tuple[float, str] | None:
    """Where two runs part; see `Planner.first_difference`."""
    return planner().first_difference(run_id, other_id)


def pool_number(one: Decision) -> int:
    """Of a decision's pool in its run."""
    return planner().run(one.run_id).pools.index(one.pool)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def tells_more(run_id: str) -> bool:
    """Whether the policy can say what moved it; see `Planner.tells_more`."""
    return planner().tells_more(run_id)


def policy_pools(run_id: str) -> tuple[str, ...]:
    """What the run's policy calls its pools: with siting all pools of a type are one."""
    run = planner().run(run_id)
    if run.scenario.siting is None:
        return tuple(run.pools)
    types: dict[str, list[str]] = {}
    for pool in run.scenario.pools:
        types.setdefault(pool.agent_type, []).append(pool.name)
    return tuple("+".join(names) for names in types.values())


def policy_pool(one: Decision) -> int:
    """The place of a decision's pool among them."""
    names = policy_pools(one.run_id)
    return next(place for place, name in enumerate(names) if one.pool in name.split("+"))


def arrivals(run_id: str, pool: str, from_s: float, to_s: float) -> pd.DataFrame:
    """Requests per second that came to a pool: t_s, per_s."""
    frame = planner().timeline([run_id], pool=pool, from_s=from_s, to_s=to_s)
    return pd.DataFrame({"t_s": frame["t_s"], "per_s": frame["arrived_per_s"]})


@st.cache_resource(show_spinner=False, max_entries=2)
def asked(run_id: str) -> tuple[Job, list[Asked]]:
    """A run played again; it is in the list when the job has ended, and did not fail.

    It is not the job's result, because jobs are remembered for longer than so much should be.
    """
    run, made = planner().run(run_id), list[Asked]()

    def work(job: Job) -> None:
        ready = planner().asked(
            run_id, cancel=job.cancelled, progress=lambda share: job.report(share, "")
        )
        ready.prepare()
        made.append(ready)

    return board().submit("explain", f"Playing {run.policy} again", work), made


def forget_asked(run_id: str) -> None:
    """After it failed or was cancelled, so that it is tried again; other runs stay ready."""
    asked.clear(run_id)


@st.cache_data(show_spinner="Making the decision again", max_entries=ENTRIES)
def _checked(_made: Asked, run_id: str, number: int) -> Checked:
    return _made.check(decision(run_id, number))


def checked(made: Asked, one: Decision) -> Checked:
    """A decision made again; see `Asked.check`."""
    return _checked(made, one.run_id, one.number)


@st.cache_data(show_spinner="Playing both sides", max_entries=ENTRIES)
def _played(
    _made: Asked, run_id: str, number: int, change: str, horizon_s: float, kept_s: float
) -> Counterfactual:
    one = decision(run_id, number)
    return _made.ask(one, change, horizon_s=horizon_s, kept_s=kept_s)


def played(
    made: Asked, one: Decision, change: str, horizon_s: float, kept_s: float
) -> Counterfactual:
    """What would have happened; see `Asked.ask`."""
    return _played(made, one.run_id, one.number, change, horizon_s, kept_s)


def check_all(run_id: str, title: str) -> Job:
    """Every decision of a run checked; see `Planner.faithfulness_of_run`."""

    def work(job: Job) -> Faithful:
        return planner().faithfulness_of_run(
            run_id, cancel=job.cancelled, progress=lambda share: job.report(share, "")
        )

    return board().submit("explain", title, work)


@st.cache_data(show_spinner=False, max_entries=ENTRIES)
def reviews(run_id: str) -> pd.DataFrame:
    """What people said of a run's decisions; see `Planner.reviews`."""
    return planner().reviews([run_id])


def reviews_file(run_id: str, kind: str) -> bytes:
    """The same as a file."""
    return planner().export_reviews([run_id], kind)


@st.cache_data(show_spinner="Looking for questionable decisions", max_entries=ENTRIES)
def review_queue(run_id: str) -> list[Questionable]:
    """What is worth a look; see `Planner.review_queue`."""
    return planner().review_queue(run_id)


def forget_reviews() -> None:
    """After somebody reviewed a decision."""
    caches: tuple[Any, ...] = (
        reviews, review_queue, decision_marks, decision_counts, found_decisions, neighbour,
        report, report_file,
    )  # fmt: skip
    for cache in caches:
        cache.clear()


def forget_results() -> None:
    """After runs were deleted or replayed anew."""
    caches: tuple[Any, ...] = (
        load.compare, load.timeline, load.latency, load.actions, load.machines, load.places,
        load.service, load.tenants, load.tenants_timeline, load.events, report, report_file,
        decision_marks, decision_counts, found_decisions, decision, decision_at, neighbour,
        first_difference, asked, _checked, _played, reviews, review_queue,
        tells_more,
    )  # fmt: skip
    for cache in caches:
        cache.clear()
