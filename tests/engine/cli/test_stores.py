"""One process owns a store at a time, and nothing but a store of this version is opened."""

import subprocess
import sys

import duckdb
import pytest

from engine.planner import Planner

pytestmark = pytest.mark.slow

COMMANDS = [["traces"], ["runs"], ["dashboard"], ["import", "x.csv"], ["compare", "a"]]
HOLD = (
    "import sys; from engine.planner import Planner; planner = Planner(); "
    "print('open', flush=True); sys.stdin.read()"
)


@pytest.fixture
def holder(store_path):
    """Another process that has the store open."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "open\n"
        yield process
        process.stdin.close()


def test_a_store_in_use_names_the_process_that_holds_it(holder, smartscale, store_path):
    for command in COMMANDS:
        ended = smartscale(*command, "--json")
        assert (ended.code, ended.out) == (3, "")
        assert f"in use by process {holder.pid}" in ended.err
        assert str(store_path) in ended.err
        assert "--store" in ended.err


def test_another_store_can_be_used_meanwhile(holder, smartscale, tmp_path):
    assert smartscale("traces", "--store", tmp_path / "other.duckdb").code == 0


def test_a_store_is_free_again_when_its_process_has_ended(holder, smartscale):
    holder.kill()
    holder.wait()
    assert smartscale("traces").code == 0


@pytest.mark.parametrize(
    "command",
    [
        ["traces"], ["traces", "show", "t"], ["runs"], ["compare", "a"], ["allocators"],
        ["replay", "--trace", "t", "--policy", "hpa"], ["scenario", "show", "saved"], ["claims"],
        ["evaluate", "--trace", "t"], ["sweeps"], ["forecast", "fit", "--trace", "t"],
    ],
)  # fmt: skip
def test_a_command_that_needs_what_is_stored_makes_no_folder(smartscale, tmp_path, command):
    ended = smartscale(*command, "--store", tmp_path / "nope" / "x.duckdb")
    assert (ended.code, ended.out) == (3, "")
    assert f"there is no folder '{tmp_path / 'nope'}'" in ended.err
    assert "smartscale import" in ended.err
    assert not (tmp_path / "nope").exists()


def test_a_command_that_fills_a_store_makes_its_folder(smartscale, demand_file, tmp_path):
    made = ["diurnal", "--duration", 60, "--rate", 2, "--import"]
    for command in (["import", demand_file], ["synth", *made]):
        place = tmp_path / command[0] / "deep" / "x.duckdb"
        assert smartscale(*command, "--store", place).code == 0
        assert len(smartscale("traces", "--store", place, "--json").document["traces"]) == 1


def test_a_store_of_a_newer_version_is_left_alone(smartscale, store_path):
    Planner(store_path).close()
    with duckdb.connect(str(store_path)) as connection:
        connection.execute("UPDATE meta SET value = '999' WHERE key = 'schema'")
    ended = smartscale("runs")
    assert ended.code == 3
    assert "schema version 999" in ended.err
    assert "--store" in ended.err
    with duckdb.connect(str(store_path), read_only=True) as connection:
        assert connection.execute("SELECT value FROM meta").fetchall() == [("999",)]


def test_another_duckdb_file_is_left_alone(smartscale, store_path):
    with duckdb.connect(str(store_path)) as connection:
        connection.execute("CREATE TABLE holidays (day DATE)")
    ended = smartscale("traces")
    assert ended.code == 3
    assert "not a SmartScale store" in ended.err
    assert "holidays" in ended.err
    with duckdb.connect(str(store_path), read_only=True) as connection:
        assert connection.execute("SHOW TABLES").fetchall() == [("holidays",)]


@pytest.mark.parametrize("content", [b"arrival_s\n1\n", b"\0" * 20_000, b"x" * 20_000])
def test_a_file_that_is_no_store_is_left_alone(smartscale, store_path, content):
    store_path.write_bytes(content)
    ended = smartscale("traces")
    assert ended.code == 3, ended.err
    assert "cannot be opened as a store" in ended.err
    assert store_path.read_bytes() == content


def test_a_place_that_cannot_hold_a_store_is_explained(smartscale, tmp_path):
    (tmp_path / "file").touch()
    ended = smartscale("traces", "--store", tmp_path / "file" / "store.duckdb")
    assert ended.code == 3
    assert "--store PATH" in ended.err
