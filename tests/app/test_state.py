"""An address holds runs, baseline and window, and nothing in it can break the page."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit import config
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.state.session_state import SessionState

import app
from app.charts.base import Window
from app.state import comparison_of, parsed


def test_an_address_reads_back_to_the_same_comparison():
    chosen = comparison_of(["a1", "b2"], "b2", Window(from_s=60.0, to_s=3600.5))
    assert chosen.query() == {"runs": "a1,b2", "baseline": "b2", "t0": "60", "t1": "3600.5"}
    assert parsed(chosen.query()) == chosen


def test_the_first_run_is_the_baseline_unless_said_otherwise():
    assert parsed({"runs": "a,b"}).baseline == "a"
    assert parsed({"runs": "a,b", "baseline": "zz"}).baseline == "a"


def test_a_run_named_twice_counts_once():
    assert parsed({"runs": "a, b,a,,"}).runs == ("a", "b")


@pytest.mark.parametrize("window", [("a", "1"), ("9", "3"), ("-1", "3"), ("0", "inf"), ("1", "")])
def test_a_senseless_window_is_none(window):
    assert parsed({"runs": "a", "t0": window[0], "t1": window[1]}).window is None


@given(
    st.dictionaries(st.sampled_from(["runs", "baseline", "t0", "t1", "x"]), st.text(max_size=20))
)
def test_any_address_is_understood(query):
    chosen = parsed(query)
    assert chosen.baseline in (*chosen.runs, "")
    assert bool(chosen.runs) == bool(chosen.baseline)


@given(st.integers(0, 10**8), st.integers(1, 10**8))
def test_windows_in_whole_seconds_survive_the_address(start, length):
    window = Window(from_s=float(start), to_s=float(start + length))
    assert parsed(comparison_of(["a"], "a", window).query()).window == window


def test_only_go_to_switches_pages():
    """Anywhere else a late tick of the page before would empty the new one."""
    modules = Path(app.__file__).parent.rglob("*.py")
    assert [p.name for p in modules if "st.switch_page(" in p.read_text("utf-8")] == ["state.py"]


def test_what_a_page_sends_before_a_restarted_server_has_drawn_it_is_no_error():
    """As while the first start prepares its samples, under the options of the dashboard."""
    file = Path(app.__file__).parents[1] / ".streamlit" / "config.toml"
    name = "enforceSerializableSessionState"
    chosen = tomllib.loads(file.read_text("utf-8"))["runner"].get(name, False)
    config.set_option(f"runner.{name}", chosen)
    sent = WidgetState(id="$$ID-0123-explain_worst", bool_value=True)
    session = SessionState()
    session.set_widgets_from_proto(WidgetStates(widgets=[sent]))
    session.maybe_check_serializable()
