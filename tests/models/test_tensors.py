"""Equal tensors give equal bytes, in whatever process they are written."""

import subprocess
import sys

import numpy as np
from safetensors import safe_open

from models.tensors import write

HEADER = {name: f"what {name} says, é" for name in "zaqwsxcderfv"}


def written(path):
    write(path, {"b": np.ones((3, 2), np.float32), "a": np.zeros(5, np.float32)}, HEADER)
    return path.read_bytes()


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "model.safetensors"
    written(path)
    with safe_open(path, "np") as file:
        assert file.metadata() == HEADER
        assert (file.get_tensor("b") == np.ones((3, 2), np.float32)).all()
        assert file.get_tensor("a").shape == (5,)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_other_processes_write_the_same_bytes(tmp_path):
    mine = written(tmp_path / "mine")
    for number in range(3):
        there = tmp_path / f"{number}"
        text = (
            "import sys; from pathlib import Path; from tests.models.test_tensors import written"
        )
        subprocess.run(
            [sys.executable, "-c", f"{text}; written(Path(sys.argv[1]))", str(there)], check=True
        )
        assert there.read_bytes() == mine
