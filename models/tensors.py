"""Tensors on disk such that equal ones give equal bytes."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

_LENGTH = 8
"""Bytes of the header's length, little-endian, in front of it; the header is filled up to
multiples of them."""


def write(
    path: Path, tensors: Mapping[str, npt.NDArray[np.float32]], header: Mapping[str, str]
) -> None:
    """A safetensors file whose header's entries are in the order of their names.

    The library writes them in any order, another one in each process.

    Args:
        path: replaced once it is whole.
        tensors: by name.
        header: text by name.
    """
    part = path.with_name(f"{path.name}.part")
    save_file(dict(tensors), part, dict(header))
    raw = part.read_bytes()
    end = _LENGTH + int.from_bytes(raw[:_LENGTH], "little")
    entries = json.loads(raw[_LENGTH:end])
    entries["__metadata__"] = dict(sorted(entries["__metadata__"].items()))
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _LENGTH)
    part.write_bytes(len(text).to_bytes(_LENGTH, "little") + text + raw[end:])
    part.replace(path)
