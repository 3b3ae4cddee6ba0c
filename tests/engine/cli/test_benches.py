"""`smartscale warm` and `smartscale bench`."""

import inspect
import os
import pickle
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numba
import pytest
from numba.core.dispatcher import Dispatcher

import engine
from engine.bench import BENCHMARKS, FEATURES, features, routers
from engine.bench import replay as bench_replay
from engine.cli.warming import remove_stale_kernels
from engine.sim import kernel

pytestmark = pytest.mark.slow


def test_every_benchmark_can_be_run_without_arguments():
    for module in (*BENCHMARKS.values(), *FEATURES.values()):
        parameters = inspect.signature(import_module(module).run).parameters.values()
        assert all(parameter.default is not parameter.empty for parameter in parameters)


def test_a_benchmark_prints_its_figures(smartscale, monkeypatch):
    figures = {"seconds": 1.25, "policies": ["a"], "passed": True}
    monkeypatch.setattr(bench_replay, "run", lambda: figures)
    ended = smartscale("bench", "replay", "--json")
    assert ended.document == figures
    assert "Measuring replay" in ended.err
    assert "1.25" in smartscale("bench", "replay").out


def test_the_kernel_is_measured_with_every_feature_where_asked(smartscale, monkeypatch):
    monkeypatch.setattr(features, "run", lambda: {"features_requests_per_s": 1.5e6})
    ended = smartscale("bench", "kernel", "--features", "all", "--json")
    assert ended.document == {"features_requests_per_s": 1.5e6}


def test_features_are_refused_where_they_mean_nothing(smartscale):
    ended = smartscale("bench", "import", "--features", "all")
    assert ended.code == 2
    assert "kernel" in ended.err


def test_the_comparison_of_routers_is_printed_as_a_table(smartscale, monkeypatch):
    monkeypatch.setattr(routers, "run", lambda: {"markdown": "| workload |", "seeds": 2})
    assert smartscale("bench", "routers").out.strip() == "| workload |"
    assert smartscale("bench", "routers", "--json").document["seeds"] == 2


def test_the_replay_benchmark_replays_every_request_in_a_process_of_its_own():
    figures = bench_replay.run(requests=3000, repeats=1)
    assert figures["requests"] == pytest.approx(3000, rel=0.1)
    assert figures["requests_arrived"] == [figures["requests"]] * len(figures["policies"])
    assert figures["ticks"] == 5760
    assert 0 < figures["seconds"] < 60
    assert figures["passed"] == (figures["seconds"] <= 5)
    assert 0.05 < figures["peak_gib"] < 1.5


def kernels_called_from_python():
    """Names by module; what only kernels call is compiled into them."""
    sources = [path.read_text("utf-8") for path in Path(engine.__file__).parent.rglob("*.py")]
    named = {name for text in sources for name in re.findall(r"\bkernel\.(\w+)\(", text)}
    compiled = {name for name in named if isinstance(getattr(kernel, name), Dispatcher)}
    return compiled - {"latency_bucket"} | {"outcomes._count", "outcomes._histograms"}


LEARNED = {
    "actors.value", "actors.act_mlp", "actors.act_transformer", "cells.settle", "dial.targets",
    "loop.drive_mlp", "loop.drive_transformer", "mind.decide_mlp", "mind.decide_transformer",
    "tokens.observe",
}  # fmt: skip
"""Of the learned allocator."""


def test_after_warming_every_kernel_that_python_calls_is_compiled():
    """In a fresh process, because this one has replayed already."""
    called = kernels_called_from_python() | LEARNED
    assert {"run_tick", "scale_in", "scale_out", "start_ready"} <= called
    code = (
        "from engine.cli.warming import compile_kernels; compile_kernels(); "
        "from engine.sim import kernel, outcomes; from engine.sim.kernel import *; "
        "from engine.learn import actors, cells, dial, loop, mind, tokens; "
        f"print([f.__name__ for f in [{', '.join(sorted(called))}] if not f.signatures])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True
    )
    assert ended.stdout.strip() == "[]"


@pytest.fixture
def cache(tmp_path):
    """A source file with a compiled kernel beside it: (index, data)."""
    folder = tmp_path / "sim" / "__pycache__"
    folder.mkdir(parents=True)
    source = tmp_path / "sim" / "kernel.py"
    source.touch()
    index, data = folder / "kernel.f-1.py311.nbi", folder / "kernel.f-1.py311.1.nbc"
    with index.open("wb") as file:
        pickle.dump(numba.__version__, file)
        file.write(pickle.dumps(("stamp", {})))
    data.write_bytes(pickle.dumps("compiled"))
    os.utime(source, (1, 1))
    return index, data


def test_kernels_that_can_be_read_are_kept(cache, tmp_path):
    assert remove_stale_kernels(tmp_path) == []
    assert all(path.exists() for path in cache)


def unknown_class():
    return b"cengine.sim.kernel\nNoLongerThere\n."  # a pickle of something that is gone


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80\x04", unknown_class()])
@pytest.mark.parametrize("which", [0, 1], ids=["index", "data"])
def test_kernels_that_cannot_be_read_are_removed(cache, tmp_path, which, content):
    cache[which].write_bytes(content)
    assert sorted(remove_stale_kernels(tmp_path)) == sorted(cache)
    assert not any(path.exists() for path in cache)


def test_an_index_that_names_what_is_gone_is_removed(cache, tmp_path):
    """What numba itself stumbles over."""
    cache[0].write_bytes(pickle.dumps(numba.__version__) + unknown_class())
    assert sorted(remove_stale_kernels(tmp_path)) == sorted(cache)


def test_kernels_older_than_a_source_beside_them_are_removed(cache, tmp_path):
    """numba looks at the kernel's own file only, and it may use functions of another one."""
    (tmp_path / "sim" / "service.py").touch()
    os.utime(cache[0], (5, 5))
    assert sorted(remove_stale_kernels(tmp_path)) == sorted(cache)


def test_kernels_of_another_numba_are_left_to_numba(cache, tmp_path):
    cache[0].write_bytes(pickle.dumps("0.1") + b"whatever that version wrote")
    assert remove_stale_kernels(tmp_path) == []


def test_warm_says_what_it_does(smartscale, monkeypatch, cache):
    monkeypatch.setattr("engine.cli.warming.remove_stale_kernels", lambda: list(cache))
    ended = smartscale("warm")
    assert ended.code == 0
    assert "Removed 2 files" in ended.err
    assert "ready" in ended.out
    document = smartscale("warm", "--json").document
    assert document["removed"] == [path.name for path in sorted(cache)]
    assert document["seconds"] >= 0
