"""`make train` trains all that is shipped, allocators side by side, and says what failed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = """#!/bin/sh
# Notes when it begins and ends, and fails where told to, or where what it distils is missing.
echo "begin $*" >>told.txt
while [ $# -gt 0 ]; do
    if [ "$1" = --out ]; then out=$2; fi
    if [ "$1" = --distil ] && [ ! -d "$2" ]; then exit 9; fi
    shift
done
sleep 0.2
echo "end $out" >>told.txt
case " $FAILING " in *" $out "*) echo "no cells left" >&2; exit 3;; esac
mkdir -p "$out"
touch "$out/model.safetensors" "$out/README.md" "$out/curves.json"
"""


@pytest.fixture
def train(tmp_path):
    """Runs it in an empty folder on a command that only notes how it was called."""
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).touch()
    command = tmp_path / ".venv" / "bin" / "smartscale"
    command.parent.mkdir(parents=True)
    command.write_text(COMMAND, encoding="utf-8")
    command.chmod(0o755)
    (tmp_path / ".venv" / "run.stamp").touch()
    (tmp_path / "engine").mkdir()

    def run(failing="", cores=2):
        made = subprocess.run(
            ["make", "-f", ROOT / "Makefile", "train", f"CORES={cores}"], cwd=tmp_path,
            env=os.environ | {"FAILING": failing}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return made, (tmp_path / "told.txt").read_text(encoding="utf-8").splitlines()

    return run


def outs(told):
    return [line.partition("--out ")[2].split()[0] for line in told if line.startswith("begin")]


def running(told):
    """How many were at work after each line."""
    at_work = 0
    for line in told:
        at_work += 1 if line.startswith("begin") else -1
        yield at_work


def test_nine_are_trained_and_three_distilled_of_them_two_at_a_time(train, tmp_path):
    made, told = train()
    assert made.returncode == 0, made.stderr
    began = outs(told)
    assert len(began) == 1 + 9 + 2 + 3 + 2
    assert {f"build/mlp-{seed}" for seed in range(9)} < set(began)
    assert max(running(told)) == 2
    assert {folder.name for folder in (tmp_path / "models" / "checkpoints").iterdir()} == {
        "lookahead", "allocator", "allocator-1", "allocator-2", "allocator-transformer",
        "allocator-dqn", "sizer", "router",
    }  # fmt: skip


def test_where_one_fails_nothing_is_made_of_the_others_and_its_messages_are_shown(train):
    made, told = train(failing="build/mlp-3")
    assert made.returncode != 0
    assert "no cells left" in made.stderr
    assert not any("--distil" in line for line in told)
    assert "build/mlp-8" not in outs(told)
