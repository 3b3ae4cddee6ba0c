"""The scorecard as text and as a file: signs, words, and nothing a spreadsheet would run."""

import pandas as pd

from app import tables, words
from engine.comparison import compare
from engine.figures import FIGURES
from engine.trace.mapping import Mapping
from engine.trace.schema import Finding, Severity


def cards(**runs: dict[str, float | None]) -> pd.DataFrame:
    return compare(runs, {run: run for run in runs}, next(iter(runs)))


FRAME = cards(
    a={"cost_usd": 100.0, "slo_attainment_frac": 0.99, "p95_s": None},
    b={"cost_usd": 69.0, "slo_attainment_frac": 0.97, "p95_s": 3.0},
)
LABELS = {"a": "static", "b": "hpa"}


def cell(figure: str, run: str) -> str:
    table = tables.scorecard(FRAME, ["a", "b"], LABELS, "a").set_index(words.FIGURE)
    head = LABELS[run] + " (baseline)" * (run == "a")
    return table.loc[FIGURES[figure].label, head]


def rows_of(frame):
    table = tables.scorecard(frame, ["a", "b"], LABELS, "a")
    return [name for name in table[words.FIGURE] if not name.startswith("**")]


def test_every_figure_that_was_measured_has_exactly_one_row():
    full = cards(a=dict.fromkeys(FIGURES, 1.0), b=dict.fromkeys(FIGURES))
    assert sorted(rows_of(full)) == sorted(figure.label for figure in FIGURES.values())
    assert tables.left_out(full) == []


def test_figures_of_clusters_that_no_run_measured_are_named_below_the_table():
    """All others have their row, which says that they were not measured."""
    gone = tables.left_out(FRAME)
    assert sorted([*rows_of(FRAME), *gone]) == sorted(figure.label for figure in FIGURES.values())
    assert "Energy" in gone
    assert "Availability" in gone
    assert "Reaction time" in rows_of(FRAME)


def test_better_and_worse_are_words_with_a_sign_and_a_unit():
    assert cell("cost_usd", "b") == "\\$69.00 :green[▼ −\\$31.00 (−31 %) better]"
    assert cell("slo_attainment_frac", "b") == "97 % :red[▼ −2.0 points worse]"
    assert cell("cost_usd", "a") == "\\$100.00"


def test_what_is_too_small_to_be_shown_is_no_difference():
    close = cards(
        a={"cost_usd": 100.0, "slo_attainment_frac": 0.99, "p95_s": 3.0},
        b={"cost_usd": 100.000001, "slo_attainment_frac": 0.99000001, "p95_s": 3.0000001},
    )
    table = tables.scorecard(close, ["a", "b"], LABELS, "a").set_index(words.FIGURE)["hpa"]
    for key in ("cost_usd", "slo_attainment_frac", "p95_s"):
        assert table[FIGURES[key].label].endswith(":gray[no difference]")
    shown = {row.figure: tables.metric(row) for row in close.itertuples() if row.run_id == "b"}
    assert shown["slo_attainment_frac"]["delta"] == words.NO_DIFFERENCE
    assert shown["cost_usd"]["delta"] == words.NO_DIFFERENCE


def test_what_was_not_measured_says_so_and_is_not_compared():
    assert cell("p95_s", "a") == ":gray[not measured]"
    assert cell("p95_s", "b") == "3 s"


def test_the_file_has_plain_numbers_for_every_figure_and_run():
    file = tables.scorecard_file(FRAME, LABELS)
    assert len(file) == 2 * len(FIGURES)
    cost = file[(file["figure"] == "cost_usd") & (file["run"] == "hpa")].iloc[0]
    assert (cost["value"], cost["difference"], cost["unit"]) == (69.0, -31.0, "USD")


def test_text_in_a_file_cannot_become_a_formula():
    text = tables.csv(pd.DataFrame({"policy": ["=1+1", "@x", "hpa"], "n": [-1, 2, 3]})).decode()
    assert text.splitlines() == ["policy,n", "'=1+1,-1", "'@x,2", "hpa,3"]


def test_finished_and_failed_make_up_what_arrived():
    frame = cards(
        a={
            "requests_arrived": 100,
            "requests_finished": 97,
            "queue_timeout_frac": 0.01,
            "exec_timeout_frac": 0.0,
            "rejected_frac": 0.02,
            "lost_frac": 0.0,
        }
    )
    assert tables.accounts(frame, {"a": "static"}) == [
        "static: 97 finished + 3 failed = 100 arrived"
    ]
    missing = frame.assign(value=frame["value"].where(frame["figure"] != "rejected_frac", 0.0))
    assert "unaccounted for" in tables.accounts(missing, {"a": "static"})[0]


def test_the_worst_finding_comes_first_and_its_text_stays_text():
    def finding(severity: Severity, **more) -> Finding:
        return Finding(rule="a_rule", severity=severity, what="x*y", where="f", fix="y", **more)

    shown = tables.findings([finding(Severity.NOTE), finding(Severity.REFUSED, row=3, count=1200)])
    assert list(shown["Severity"]) == ["Refused", "Note"]
    assert list(shown["Row"]) == ["from 3, 1,200 rows", ""]
    assert shown["What"][0] == "x\\*y"


def test_a_preview_names_what_its_columns_stand_for():
    head = pd.DataFrame({"ts": ["1"], "other": ["2"]})
    shown = tables.preview(head, Mapping.parse("arrival=ts"))
    assert list(shown) == ["ts → Time", "other"]
