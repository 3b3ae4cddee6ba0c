"""The command as people run it, in this process: what it prints where, and how it ends."""

import json
from dataclasses import dataclass

import pytest

from engine.cli import main
from engine.scenario_file import to_toml
from engine.trace.writer import write
from tests.engine.replays import demand, scenario


@dataclass
class Ended:
    """What came of one command."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        """The one JSON document on stdout; NaN and Infinity are no JSON."""

        def refuse(constant):
            raise AssertionError(f"{constant} is no JSON")

        return json.loads(self.out, parse_constant=refuse)


@pytest.fixture
def smartscale(capfd):
    def run(*args):
        capfd.readouterr()
        code = main([str(arg) for arg in args])
        out, err = capfd.readouterr()
        return Ended(code, out, err)

    return run


@pytest.fixture
def demand_file(tmp_path):
    path = tmp_path / "demand.csv"
    write(demand(), path)
    return path


@pytest.fixture
def scenario_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(to_toml(scenario()), encoding="utf-8")
    return path


@pytest.fixture
def stocked(smartscale, demand_file, scenario_file):
    """The command, with a trace `demand` in the store."""
    assert smartscale("import", demand_file).code == 0
    return smartscale
