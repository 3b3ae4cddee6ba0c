import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ScenarioError, TraceError
from engine.trace.schema import window
from engine.trace.servegen import expand, read_token_pdfs, read_windows, token_pdfs_beside

pytestmark = pytest.mark.slow

REAL = Path(__file__).parents[4] / "shared" / "traces" / "llm_servegen"
HEADER = "client_id,start_s,rate_rps,iat_cv,arrival_pattern,shape,scale\n"
PDF_HEADER = "client_id,start_s,field,value,prob\n"


def windows_of(tmp_path, rows, name="x_traces.csv"):
    path = tmp_path / name
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return read_windows(path)


def pdfs_of(tmp_path, rows, name="x_token_pdfs.csv"):
    path = tmp_path / name
    path.write_text(PDF_HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return read_token_pdfs(path)


TWO_CLIENTS = [
    "7,0,1.5,2,Gamma,0.25,2.6", "7,600,0,0,,0,0", "7,1200,0.1,1,Weibull,0.5,5",
    "3,0,0.5,1,Gamma,1,2", "3,600,0.25,1,Weibull,2,4", "3,1200,0,0,,0,0",
]  # fmt: skip


def test_every_client_window_holds_exactly_the_requests_that_were_counted(tmp_path):
    table = expand(windows_of(tmp_path, TWO_CLIENTS), None, seed=1)
    assert table.tenants == ("client 3", "client 7")
    number = (table.arrival_s // 600).astype(int)
    counts = np.zeros((2, 3), int)
    np.add.at(counts, (table.tenant, number), 1)
    assert counts.tolist() == [[300, 150, 0], [900, 0, 60]]
    assert np.all(np.diff(table.arrival_s) >= 0)
    assert np.all(table.input_tokens == -1)


@given(
    cut=st.tuples(st.integers(0, 17990), st.integers(1, 18000)).map(sorted),
    seed=st.integers(0, 99),
)
def test_a_cut_holds_the_rows_of_the_whole(tmp_path_factory, cut, seed):
    from_s, to_s = cut[0] / 10, cut[1] / 10 + 0.1
    tmp_path = tmp_path_factory.mktemp("cut")
    windows = windows_of(tmp_path, TWO_CLIENTS)
    pdfs = pdfs_of(tmp_path, ["3,0,input_tokens,10,0.5", "3,0,input_tokens,20,0.5",
                              "3,0,output_tokens,1,1"])  # fmt: skip
    whole = window(expand(windows, pdfs, seed=seed), from_s, to_s)
    part = expand(windows, pdfs, seed=seed, from_s=from_s, to_s=to_s)
    assert np.array_equal(np.round(whole.arrival_s, 6), part.arrival_s)
    for name in ("tenant", "input_tokens", "output_tokens"):
        assert np.array_equal(getattr(whole, name), getattr(part, name))


@given(scale=st.floats(0.001, 4), seed=st.integers(0, 1000))
def test_scaling_keeps_each_clients_share_to_one_request(tmp_path_factory, scale, seed):
    windows = windows_of(tmp_path_factory.mktemp("scale"), TWO_CLIENTS)
    table = expand(windows, None, seed=seed, scale=scale)
    totals = np.bincount(table.tenant[table.tenant >= 0], minlength=2)
    assert np.all(np.abs(totals - scale * np.array([450, 960])) < 1 + 1e-6)


@pytest.mark.parametrize(
    ("pattern", "shape", "cv"),
    [("Gamma", 4.0, 0.5), ("Gamma", 0.25, 2.0), ("Weibull", 1.0, 1.0), ("Weibull", 0.5, 2.236)],
)
def test_gaps_follow_the_pattern_of_the_window(tmp_path, pattern, shape, cv):
    table = expand(windows_of(tmp_path, [f"0,0,200,1,{pattern},{shape},1"]), None, seed=3)
    gaps = np.diff(table.arrival_s)
    assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.05)


def test_an_active_window_without_a_pattern_is_poisson(tmp_path):
    table = expand(windows_of(tmp_path, ["0,0,200,1,,0,0"]), None, seed=3)
    gaps = np.diff(table.arrival_s)
    assert gaps.std() / gaps.mean() == pytest.approx(1.0, rel=0.05)


def test_windows_join_without_a_bunch_or_a_hole_at_their_borders(tmp_path):
    rows = [f"0,{600 * number},1,1,Gamma,1,1" for number in range(400)]
    table = expand(windows_of(tmp_path, rows), None, seed=4)
    phase = np.histogram(table.arrival_s % 600, 10, (0, 600))[0]
    assert np.all(np.abs(phase - 24_000) < 5 * np.sqrt(24_000))


def test_tokens_come_from_the_clients_own_distribution_in_force(tmp_path):
    windows = windows_of(tmp_path, [f"5,{600 * n},10,1,Gamma,1,1" for n in range(3)])
    rows = ["5,0,input_tokens,10,0.25", "5,0,input_tokens,30,0.75", "5,0,output_tokens,4,1",
            "5,1200,input_tokens,99,1", "5,1200,output_tokens,5,1",
            "5,0,reason_ratio,0.5,1"]  # fmt: skip
    table = expand(windows, pdfs_of(tmp_path, rows), seed=2)
    early = table.arrival_s < 1200
    assert set(table.input_tokens[early]) == {10, 30}
    # 12,000 draws: standard error 0.4 %.
    assert np.mean(table.input_tokens[early] == 30) == pytest.approx(0.75, abs=0.02)
    assert set(table.input_tokens[~early]) == {99}
    assert set(table.output_tokens[early]) == {4}
    assert set(table.output_tokens[~early]) == {5}


def test_a_client_without_a_distribution_draws_from_the_load_weighted_mixture(tmp_path):
    windows = windows_of(
        tmp_path, ["1,0,30,1,Gamma,1,1", "2,0,10,1,Gamma,1,1", "9,0,40,1,Gamma,1,1"]
    )
    rows = ["1,0,input_tokens,11,1", "1,0,output_tokens,1,1",
            "2,0,input_tokens,22,1", "2,0,output_tokens,2,1"]  # fmt: skip
    table = expand(windows, pdfs_of(tmp_path, rows), seed=2)
    lacking = table.tenant == 2
    assert set(table.input_tokens[table.tenant == 0]) == {11}
    assert np.mean(table.input_tokens[lacking] == 11) == pytest.approx(0.75, abs=0.02)
    assert np.array_equal(table.input_tokens[lacking] // 11, table.output_tokens[lacking])


def test_tokens_do_not_change_the_arrivals(tmp_path):
    windows = windows_of(tmp_path, TWO_CLIENTS)
    pdfs = pdfs_of(tmp_path, ["3,0,input_tokens,10,1", "3,0,output_tokens,1,1"])
    bare, full = expand(windows, None, seed=1), expand(windows, pdfs, seed=1)
    assert np.array_equal(bare.arrival_s, full.arrival_s)
    assert np.all(full.input_tokens == 10)


def test_another_seed_gives_other_arrivals(tmp_path):
    windows = windows_of(tmp_path, TWO_CLIENTS)
    first, again, other = (expand(windows, None, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.arrival_s, again.arrival_s)
    assert not np.array_equal(first.arrival_s, other.arrival_s)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"max_requests": 100}, "scale the load down to 0.071 or less"),
        ({"from_s": 1800.0}, "from below 1800 s"),
        ({"from_s": 500.0, "to_s": 500.0}, "span"),
        ({"from_s": -1.0}, "span"),
        ({"scale": 0.0}, "scale"),
        ({"seed": -3}, "seed"),
    ],
)
def test_what_cannot_be_expanded_is_refused_with_advice(tmp_path, change, words):
    windows = windows_of(tmp_path, TWO_CLIENTS)
    with pytest.raises(ScenarioError, match=words):
        expand(windows, None, **({"seed": 1} | change))


def test_only_the_span_counts_towards_the_limit(tmp_path):
    windows = windows_of(tmp_path, TWO_CLIENTS)
    assert 0 < len(expand(windows, None, seed=1, to_s=6.0, max_requests=20)) < 100


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["0,0,1,1,Gamma,1,1", "0,0,1,1,Gamma,1,1"], "second row.*row 2"),
        (["0,0,-1,1,Gamma,1,1"], "rate_rps is below 0.*row 1"),
        (["0,0,1,1,Gamma,1,1", "0,600,1,1,Pareto,1,1"], "arrival_pattern.*row 2"),
        (["0,0,1,1,Gamma,0,1"], "without a shape"),
        (["0,0,abc,1,Gamma,1,1"], "Row #2.*'abc'"),
        (["0,0,1,1,Gamma,1,1,5,6,7"], "Expected 7 columns, got 10"),
        (["0,0,,1,Gamma,1,1"], "missing or not finite.*row 1"),
        (["0,0,inf,1,Gamma,1,1"], "missing or not finite"),
        (["0.5,0,1,1,Gamma,1,1"], "client_id"),
        (["0,0,1,1,Gamma,1,1", "0,600,1,1,Gamma,1,1", "0,1500,1,1,Gamma,1,1"], "row 3"),
    ],
)
def test_impossible_windows_are_refused_with_the_row(tmp_path, rows, words):
    with pytest.raises(TraceError, match=words):
        windows_of(tmp_path, rows)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["0,0,input_tokens,10,-1", "0,0,output_tokens,1,1"], "prob is below 0.*row 1"),
        (["0,0,input_tokens,-10,1", "0,0,output_tokens,1,1"], "out of range.*row 1"),
        (["0,0,input_tokens,10,1"], "same clients and times"),
        (["0,0,input_tokens,10,1", "0,600,output_tokens,10,1"], "same clients and times"),
        ([], "same clients and times"),
    ],
)
def test_impossible_token_distributions_are_refused(tmp_path, rows, words):
    with pytest.raises(TraceError, match=words):
        pdfs_of(tmp_path, rows)


def test_damaged_archives_and_other_files_are_refused(tmp_path):
    whole = gzip.compress((HEADER + "0,0,1,1,Gamma,1,1\n" * 50).encode())
    for name, content in {
        "cut.csv.gz": whole[: len(whole) // 2],
        "broken.csv.gz": b"not gzip at all",
        "broken.csv.zst": b"not zstd at all",
        "empty.csv": b"",
        "binary.csv": bytes(range(128, 256)) * 10,
        "other.csv": b"a,b\n1,2\n",
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(TraceError, match=name):
            read_windows(path)
    with pytest.raises(TraceError, match="no such file"):
        read_windows(tmp_path / "absent.csv")


def test_the_token_file_is_found_beside_the_windows(tmp_path):
    traces = tmp_path / "m_d00_traces.csv.gz"
    assert token_pdfs_beside(traces) is None
    beside = tmp_path / "m_d00_token_pdfs.csv.gz"
    beside.touch()
    assert token_pdfs_beside(traces) == beside
    assert token_pdfs_beside(tmp_path / "other.csv") is None


@pytest.mark.skipif(not REAL.is_dir(), reason="the public traces are not beside the checkout")
def test_the_published_day_expands_to_all_its_requests_and_its_mean_lengths():
    path = REAL / "deepseek-r1_d00_traces.csv.gz"
    windows = read_windows(path)
    table = expand(windows, read_token_pdfs(token_pdfs_beside(path)), seed=1)
    assert len(table) == round(windows.rate_rps.sum() * 600)
    # Means of the distributions, each weighted with its client's load while in force: computed
    # from the file with a group-by. 1.4 M draws: standard error below 0.3 %.
    assert table.input_tokens.mean() == pytest.approx(1268.25, rel=0.01)
    assert table.output_tokens.mean() == pytest.approx(1527.42, rel=0.01)
