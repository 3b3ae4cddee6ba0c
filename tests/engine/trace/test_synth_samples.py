import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.store.duck import Store
from engine.store.importing import import_path
from engine.store.traces import find_trace, load_requests
from engine.trace.schema import RequestTable, request_table
from engine.trace.synth import KINDS, regenerate, write

SAMPLES = Path(__file__).parents[3] / "sample_traces"
RECIPES = sorted(SAMPLES.glob("*.recipe.json"))
README = (SAMPLES / "README.md").read_text("utf-8")


def trace_of(recipe):
    return recipe.with_name(recipe.name.replace(".recipe.json", ".csv.gz"))


def table_in(path):
    """The file as a table, read with nothing of ours."""
    frame = pd.read_csv(path).rename(columns={"after_seq": "after"})
    absent = {"after": -1, "think_s": 0.0}
    return request_table(
        frame.pop("arrival_s").to_numpy(),
        **{name: frame[name].fillna(absent.get(name, -1)).to_numpy() for name in frame},
    )


def assert_same(got, wanted):
    for name in (field.name for field in fields(RequestTable)):
        if name in ("agent_types", "tenants"):
            assert getattr(got, name) == getattr(wanted, name)
        else:
            first, second = getattr(got, name), getattr(wanted, name)
            assert np.array_equal(first, second, equal_nan=True), name


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_each_sample_is_what_its_recipe_makes(recipe):
    assert_same(table_in(trace_of(recipe)), regenerate(json.loads(recipe.read_text("utf-8"))))


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".csv.zst", ".parquet"])
@pytest.mark.parametrize("sample", ["agent_sessions", "bursty"])
def test_what_is_written_is_imported_as_it_was(tmp_path, sample, ending):
    made = table_in(SAMPLES / f"{sample}.csv.gz")
    path = tmp_path / f"{sample}{ending}"
    write(made, path)
    with Store() as store:
        imported = import_path(store, path)
        assert_same(load_requests(store, find_trace(store, imported.trace_id)), made)


def test_every_kind_has_a_sample_and_every_sample_a_recipe():
    kinds = {json.loads(path.read_text("utf-8"))["kind"] for path in RECIPES}
    assert kinds == set(KINDS)
    assert {trace_of(path) for path in RECIPES} == set(SAMPLES.glob("*.csv.gz"))


def test_samples_stay_small():
    sizes = [trace_of(path).stat().st_size for path in RECIPES]
    assert max(sizes) <= 400_000
    assert sum(sizes) <= 2_000_000


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_the_readme_says_what_lies_there_and_how_to_make_it(recipe):
    made = json.loads(recipe.read_text("utf-8"))
    name, rows = trace_of(recipe).name, len(table_in(trace_of(recipe)))
    hours = made["duration_s"] / 3600
    assert f"| {name} | {made['kind']} | {rows:,} | {hours:g} h |" in README
    command = next(
        line for line in README.splitlines() if line.endswith(f"--out sample_traces/{name}")
    )
    changed = {
        option: value
        for option, value in made["options"].items()
        if value != KINDS[made["kind"]].defaults[option]
    }
    said = dict(re.findall(r"--set (\w+)=(\S+)", command))
    assert {option: float(value) for option, value in said.items()} == changed
    assert f"synth {made['kind']} --duration {made['duration_s']:g}" in command
    assert f"--rate {made['mean_rate_per_s']:g} --seed {made['seed']} " in command


def test_the_first_demonstration_has_crowds_of_six_to_ten_times():
    minutes = np.bincount(
        (table_in(SAMPLES / "chat_two_flash_crowds.csv.gz").arrival_s // 60).astype(int)
    )
    assert minutes.mean() / 60 == pytest.approx(4, rel=0.1)
    crowd = minutes > 3 * np.median(minutes)
    assert 6 < minutes[crowd].mean() / np.median(minutes) < 10
    assert np.sum(np.diff(crowd.astype(int)) == 1) == 2


def test_writing_twice_gives_the_same_bytes(tmp_path):
    table = regenerate(json.loads(RECIPES[0].read_text("utf-8")))
    for ending in (".csv", ".csv.gz", ".csv.zst", ".parquet"):
        first, second = tmp_path / f"a{ending}", tmp_path / "deeper" / f"b{ending}"
        second.parent.mkdir(exist_ok=True)
        write(table, first)
        write(table, second)
        assert first.read_bytes() == second.read_bytes()
