import pytest

from engine.errors import ScenarioError, UsageError
from engine.scenario import Guard
from engine.sweep.axes import applied, parse_axis
from engine.sweep.plan import Goal, Method, Plan, plan_of, points
from tests.engine.replays import scenario


def plan(*axes, **changes):
    values = {
        "trace": "t", "from_s": 0.0, "to_s": 900.0, "scenario": scenario(), "policy": "hpa",
        "axes": tuple(parse_axis(text) for text in axes),
    }  # fmt: skip
    return Plan(**(values | changes))


def test_listed_values_stay_as_typed():
    axis = parse_axis("pools.own.queue = worker, pool")
    assert (axis.path, axis.values) == ("pools.own.queue", ("worker", "pool"))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=0..600/3", ("0", "300", "600")),
        ("a=0.5..0.9/5", ("0.5", "0.6", "0.7", "0.8", "0.9")),
        ("a=1..100/3:log", ("1", "10", "100")),
        ("a=-1..1/3", ("-1", "0", "1")),
    ],
)
def test_a_range_with_levels_becomes_values(text, values):
    assert parse_axis(text).values == values


@pytest.mark.parametrize("text", ["a", "=1", "a=", "a=3..1", "a=0..9:log", "a=1,1", "a=1..2/1"])
def test_what_is_no_axis_is_refused(text):
    with pytest.raises(UsageError, match="--vary"):
        parse_axis(text)


@pytest.mark.parametrize("text", ["a=2..50", "a=0.01..3.5:log", "a=x,y,z"])
def test_the_place_of_a_value_is_where_it_was_taken_from(text):
    axis = parse_axis(text)
    for share in (0.1, 0.5, 0.9):
        assert axis.at(axis.place(axis.at(share))) == axis.at(share)


def test_a_point_changes_the_scenario_the_policy_and_its_parameters():
    made, policy = applied(
        scenario(), "hpa:target=0.5", {"slo.latency_s": "4", "policy.target": "0.7"}
    )
    assert made.slo.latency_s == 4.0
    assert policy == "hpa:target=0.7"
    assert applied(scenario(), "hpa", {"policy": "threshold"})[1] == "threshold"


def test_a_field_of_an_absent_part_is_varied_with_the_others_at_their_defaults():
    made, _ = applied(scenario(), "hpa", {"guard.out_workers": "2"})
    assert made.guard == Guard(out_workers=2)


def test_a_path_that_does_not_exist_names_the_nearest_one():
    with pytest.raises(ScenarioError, match="latency_s"):
        applied(scenario(), "hpa", {"slo.latencys": "4"})


def test_a_grid_has_every_combination_once():
    made = list(points(plan("policy.target=0.5,0.6", "seed=1..3/3")))
    assert len(made) == 6
    assert {tuple(point.items()) for point in made} == {
        (("policy.target", target), ("seed", seed)) for target in ("0.5", "0.6") for seed in "123"
    }


def test_a_longer_sample_begins_with_the_shorter_one():
    short = list(points(plan("a=0..1", "b=0.0..1.0", method=Method.SAMPLE, samples=8)))
    long = list(points(plan("a=0..1", "b=0.0..1.0", method=Method.SAMPLE, samples=20)))
    assert long[: len(short)] == short
    assert len({tuple(point.items()) for point in long}) == len(long)


def test_a_sweep_with_more_values_or_samples_is_the_same_sweep():
    assert plan("a=1,2").key("h") == plan("a=1,2,3").key("h")
    assert plan("a=1,2").key("h") != plan("b=1,2").key("h")
    assert plan("a=1,2").key("h") != plan("a=1,2", policy="static").key("h")
    sample = {"method": Method.SAMPLE}
    assert plan("a=1..2", **sample).key("h") == plan("a=1..2", samples=99, **sample).key("h")
    assert plan("a=1..2", **sample).key("h") != plan("a=1..2", seed=9, **sample).key("h")


def test_a_plan_can_be_read_back_from_its_document():
    made = plan("a=1..2", method=Method.SEARCH, goal=Goal(minimise="carbon_kg", bound=0.9))
    assert plan_of(made.document()) == made


@pytest.mark.parametrize(
    "wrong",
    [{"axes": ()}, {"axes": (parse_axis("a=1,2"),) * 2}, {"axes": (parse_axis("a=1..2"),)}],
)
def test_a_plan_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(UsageError):
        plan(**wrong)


def test_a_goal_needs_figures_of_which_more_or_less_is_better():
    with pytest.raises(UsageError):
        Goal(minimise="requests_arrived")
