"""Policies by name: written specs, what is installed, and what goes wrong with other people's."""

import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PolicyError
from engine.policies.base import Reason
from engine.policies.hpa import Hpa
from engine.policies.registry import GROUP, PolicySpec, available, create, parse_spec
from engine.policies.static import Static
from engine.policies.threshold import Threshold

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]

OUTSIDE = '''
"""A policy from outside the project."""

import numpy as np

from engine.policies.base import Action, Reason


class QueueRule:
    """One worker for every so many requests, waiting or in service."""

    def __init__(self, context, *, requests_per_worker: int = 4):
        self.interval_s = context.tick_s
        self._share = requests_per_worker

    def propose(self, observation):
        requests = observation.queued + observation.in_service
        target = np.ceil(requests / self._share)
        up = target > observation.target
        reason = tuple(Reason.DEMAND_UP if more else Reason.DEMAND_DOWN for more in up)
        return Action(target=target, reason=reason)
'''


@pytest.fixture(scope="module")
def entry_points():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["entry-points"][GROUP]


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Puts a distribution with these policies on the path, as an installer would."""
    added = []

    def add(package, policies, **modules):
        site = tmp_path / package
        for name, source in modules.items():
            added.append(name)
            site.mkdir(exist_ok=True)
            (site / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        info = site / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        info.joinpath("METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8"
        )
        lines = [f"[{GROUP}]", *(f"{name} = {value}" for name, value in policies.items())]
        info.joinpath("entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        monkeypatch.syspath_prepend(str(site))

    yield add
    for name in added:
        sys.modules.pop(name, None)


@pytest.fixture
def ours(install, entry_points):
    """Our own policies, as the project file declares them, installed or not."""
    install("smartscale", entry_points)


@pytest.mark.parametrize(
    ("text", "name", "parameters"),
    [
        ("hpa", "hpa", ()),
        ("hpa:target=0.6:sync_s=15", "hpa", (("sync_s", 15), ("target", 0.6))),
        (" hpa : target = 1.0 ", "hpa ", None),
        ("x:a=true:b=No:c=20%:d=-3:e=1e3", "x", (
            ("a", True), ("b", "No"), ("c", "20%"), ("d", -3), ("e", 1000),
        )),
        ("x:a=nan:b=1_000:c=k=v", "x", (("a", "nan"), ("b", "1_000"), ("c", "k=v"))),
    ],
)  # fmt: skip
def test_a_spec_is_read(text, name, parameters):
    if parameters is None:
        with pytest.raises(PolicyError, match="policy name"):
            parse_spec(text)
        return
    spec = parse_spec(text)
    assert (spec.name, spec.parameters) == (name, parameters)
    assert [type(value) for _, value in spec.parameters] == [type(v) for _, v in parameters]


def test_the_same_spec_written_otherwise_is_the_same_text():
    assert str(parse_spec("hpa:sync_s=15.0:target=.60")) == "hpa:sync_s=15:target=0.6"
    assert parse_spec("hpa:target=0.6:sync_s=15") == parse_spec("hpa:sync_s=1.5e1:target=0.60")


VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not x.is_integer()),
    st.from_regex(r"[A-Za-z][\w%=-]{0,8}", fullmatch=True).filter(
        lambda text: text.lower() not in ("true", "false")
    ),
)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), VALUES, max_size=4))
def test_what_is_written_reads_back_the_same(parameters):
    spec = PolicySpec(name="p", parameters=tuple(sorted(parameters.items())))
    assert parse_spec(str(spec)) == spec


@pytest.mark.parametrize(
    "text", ["", ":a=1", "hpa:", "hpa:target", "hpa:target=", "hpa:=1", "hpa:a=1:a=2", "h p"]
)
def test_what_is_no_spec_is_refused_with_an_example(text):
    with pytest.raises(PolicyError, match=r"hpa:target=0\.6"):
        parse_spec(text)


@pytest.mark.parametrize(
    "text", ["smartscale:vertical=true,routing=true", "hpa:target=0.6, sync_s=15", "routing=true"]
)
def test_parameters_that_are_not_joined_by_colons_are_refused_with_how_they_are(text):
    with pytest.raises(PolicyError, match="after further colons, such as hpa:target"):
        parse_spec(text)
    assert parse_spec("smartscale:checkpoint=a,b").parameters == (("checkpoint", "a,b"),)


def test_our_policies_are_listed_with_what_they_do_and_take(ours):
    listed = available()
    assert {"static", "threshold", "hpa"} <= set(listed)
    static = listed["static"]
    assert static.description.startswith("Fixed capacity")
    assert static.package == "smartscale"
    assert [(p.name, p.default, p.required) for p in static.parameters] == [
        ("target", 0.75, False),
        ("workers", None, False),
    ]
    assert all(info.problem is None and info.description for info in listed.values())


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("static", Static),
        ("static:workers=3", Static),
        ("threshold:step=20%", Threshold),
        ("hpa:target=0.6:sync_s=30:scale_up_select=Min:scale_up_pods=2", Hpa),
    ],
)
def test_a_spec_becomes_a_policy(ours, make_context, text, kind):
    assert type(create(parse_spec(text), make_context())) is kind


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("hpq", "there is no policy 'hpq'", "Did you mean 'hpa'?"),
        ("hpa:targt=0.6", "no parameter 'targt'", "Did you mean 'target'?"),
        ("hpa:target=6", "target is 6", "above 0 and up to 1"),
    ],
)
def test_what_does_not_exist_or_fit_is_refused_with_the_nearest(
    ours, make_context, text, what, fix
):
    with pytest.raises(PolicyError) as refused:
        create(parse_spec(text), make_context())
    assert what in refused.value.what
    assert fix in refused.value.fix


def test_a_policy_from_outside_is_found_listed_and_run(ours, install, make_context, observe):
    install("queue-rule", {"queue": "queue_rule:QueueRule"}, queue_rule=OUTSIDE)
    info = available()["queue"]
    assert info.description == "One worker for every so many requests, waiting or in service."
    assert (info.package, info.parameters[0].default) == ("queue-rule", 4)
    policy = create(parse_spec("queue:requests_per_worker=2"), make_context())
    action = policy.propose(observe(15.0, [0.5], requests=5))
    assert (action.target[0], action.reason[0]) == (3, Reason.DEMAND_UP)


def test_a_policy_from_outside_is_found_once_pip_has_installed_it(tmp_path):
    source, site = tmp_path / "source", tmp_path / "site"
    source.mkdir()
    (source / "queue_rule.py").write_text(OUTSIDE, encoding="utf-8")
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "queue-rule"\nversion = "1.0"\n'
        f'[project.entry-points."{GROUP}"]\nqueue = "queue_rule:QueueRule"\n'
        '[tool.setuptools]\npy-modules = ["queue_rule"]\n',
        encoding="utf-8",
    )
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run(
        [*pip, "--no-build-isolation", "--target", str(site), str(source)],
        check=True,
        capture_output=True,
    )
    program = (
        f"import sys; sys.path[:0] = [{str(site)!r}, {str(ROOT)!r}]\n"
        "from engine.policies.registry import available\n"
        "print(available()['queue'].package)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "queue-rule"


BROKEN = {
    "missing": ("no_such_module:Policy", "ModuleNotFoundError"),
    "nameless": ("broken_rule:Nothing", "AttributeError"),
    "syntax": ("unreadable_rule:Policy", "SyntaxError"),
    "raising": ("raising_rule:Policy", "ZeroDivisionError"),
    "number": ("broken_rule:NUMBER", "is not a class with `propose`"),
    "silent": ("broken_rule:Silent", "is not a class with `propose`"),
    "bare": ("broken_rule:make_nothing", "does not take the context"),
}
MODULES = {
    "broken_rule": """
        NUMBER = 3
        class Silent:
            interval_s = 15.0
        def make_nothing():
            return None
        class Untimed:
            def __init__(self, context): pass
            def propose(self, observation): pass
        class Frozen(Untimed):
            interval_s = 0.0
        def make_silent(context):
            return Silent()
        class Open(Untimed):
            interval_s = 15.0
            def __init__(self, context, needed, **more): self.more = more
    """,
    "unreadable_rule": "class Policy(:",
    "raising_rule": "1 / 0",
}


@pytest.mark.parametrize(("name", "value", "why"), [(n, v, w) for n, (v, w) in BROKEN.items()])
def test_a_policy_that_cannot_be_loaded_is_named_and_spares_the_others(
    ours, install, make_context, name, value, why
):
    install("broken-rules", {name: value}, **MODULES)
    listed = available()
    assert why in listed[name].problem
    assert listed["hpa"].problem is None
    with pytest.raises(PolicyError, match="broken-rules") as refused:
        create(parse_spec(name), make_context())
    assert value in refused.value.where


@pytest.mark.parametrize("value", ["Untimed", "Frozen", "make_silent"])
def test_a_policy_without_an_interval_or_propose_is_refused(ours, install, make_context, value):
    install("broken-rules", {"half": f"broken_rule:{value}"}, **MODULES)
    with pytest.raises(PolicyError, match="interval_s") as refused:
        create(parse_spec("half"), make_context())
    assert "broken_rule" in refused.value.where


def test_a_parameter_without_a_default_must_be_given(ours, install, make_context):
    install("broken-rules", {"open": "broken_rule:Open"}, **MODULES)
    with pytest.raises(PolicyError, match="open:needed=VALUE"):
        create(parse_spec("open"), make_context())
    policy = create(parse_spec("open:needed=1:anything=2"), make_context())
    assert policy.more == {"anything": 2}


def test_two_packages_with_the_same_name_are_not_guessed_between(ours, install, make_context):
    install("queue-rule", {"hpa": "queue_rule:QueueRule"}, queue_rule=OUTSIDE)
    assert "2 packages" in available()["hpa"].problem
    with pytest.raises(PolicyError, match="queue-rule"):
        create(parse_spec("hpa"), make_context())
