"""An allocator on disk: model.safetensors with its facts in the header; loading runs no code.

The file holds the actor that is used, a network that says what each score will come to, and the
actor and critics of the training, so that a training can begin from it.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from engine.device import device_for
from engine.errors import CheckpointError
from engine.learn.actors import Mlp, Transformer, Values
from engine.learn.rewards import SCORES
from engine.learn.tokens import CLUSTER, GROUPS, PRIORITIES, TOKEN, WIDTH
from engine.lookahead.checkpoint import shipped as forecaster
from engine.lookahead.features import Network
from engine.units import AnyArray, FloatArray
from models.sac_options import ACTORS, POSITIONS, TRANSFORMER, Options, Sizes, told
from models.tensors import write

if TYPE_CHECKING:
    from models.sac import Learner

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "checkpoints" / "allocator"
FORMAT = "smartscale allocator 2"
WEIGHTS = "model.safetensors"
SHELF, BACK = ".allocators", "smartscale allocators use shipped"
"""Ending of the folder of a store's own allocators, and the way back from them."""
INPUTS = WIDTH + len(SCORES)
ACTIONS = 2
"""Outputs of an actor that gives mean and spread."""
NETWORKS = ("actor", "used", "critics", "targets", "values")
"""Of a training; a policy reads `used` and `values`."""
TOKENS = (*GROUPS, PRIORITIES)
"""(T,) the tokens of a transformer, in order."""
SIZES_GROUPS = (*GROUPS.values(), tuple(range(WIDTH, INPUTS)))
_TABLE = json.dumps([*TOKEN, *CLUSTER, *SCORES])


class Weights(NamedTuple):
    """The allocator as a policy uses it; arrays are float32."""

    shift: AnyArray
    """(WIDTH,) taken from tokens, which are then divided by `scale` and bounded."""
    scale: AnyArray
    actor: Mlp | Transformer
    values: Values
    heads: int
    """Of a transformer."""
    told_least: float
    """How priorities are read, as in `Options`."""

    def told(self, weights: FloatArray) -> FloatArray:
        """Priorities as the networks read them."""
        return told(weights, self.told_least)

    def under(self, weights: FloatArray) -> "Weights":
        """With an actor that decides by these priorities (G,) alone: a DQN's weighs its scores."""
        actor = self.actor
        if not isinstance(actor, Mlp) or len(actor.b3) == ACTIONS:
            return self
        w3 = actor.w3.reshape(len(actor.w3), POSITIONS, -1) @ weights
        b3 = actor.b3.reshape(POSITIONS, -1) @ weights
        made = actor._replace(w3=w3.astype(np.float32), b3=b3.astype(np.float32))
        return self._replace(actor=made)


def folder_of(text: str) -> Path:
    """Where a checkpoint lies that is given as the name of a shipped one, or as a folder."""
    named = SHIPPED.parent / text
    return named if Path(text).name == text and (named / WEIGHTS).is_file() else Path(text)


def sizes(futures: int) -> Sizes:
    """Of the networks, with what critics see of the future."""
    return Sizes(tokens=WIDTH, scores=len(SCORES), futures=futures, groups=SIZES_GROUPS)


def save(learner: "Learner", folder: Path, about: dict[str, Any]) -> None:
    """Writes an allocator.

    Args:
        learner: a training at its end, its `values` distilled.
        folder: made if it is not there.
        about: JSON-able facts of the training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {"shift": learner.shift, "scale": learner.scale}
    for name in NETWORKS:
        for key, tensor in getattr(learner, name).state_dict().items():
            tensors[f"{name}.{key}"] = np.ascontiguousarray(
                tensor.detach().cpu().numpy(), np.float32
            )
    header = {
        "format": FORMAT, "table": _TABLE, "actor": learner.options.actor,
        "heads": str(learner.options.heads), "told_least": str(learner.options.told_least),
        "forecaster": forecaster_print(), "about": json.dumps(about),
    }  # fmt: skip
    write(folder / WEIGHTS, tensors, header)


def load(folder: Path) -> tuple[Weights, dict[str, Any]]:
    """The actor and the facts of its training.

    Raises:
        CheckpointError: missing, damaged, of another format, of shapes that do not fit, or
            trained beside another forecaster than the one it would decide with.
    """
    header, tensors = _read(folder)
    where, fix = _named(folder)
    check_forecaster(header, where, fix)
    kind = Transformer if header["actor"] == TRANSFORMER else Mlp
    try:
        weights = Weights(
            shift=tensors["shift"], scale=tensors["scale"],
            actor=kind(**{name: tensors[f"used.{name}"] for name in kind._fields}),
            values=Values(**{name: tensors[f"values.{name}"] for name in Values._fields}),
            heads=int(header["heads"]), told_least=_told_least(header),
        )  # fmt: skip
        about = json.loads(header["about"])
    except KeyError as error:
        raise CheckpointError(f"it holds no {error}", where, fix) from error
    except ValueError as error:
        raise CheckpointError(f"its header is damaged: {error}", where, fix) from error
    if not _fits(weights) or not isinstance(about, dict):
        raise CheckpointError("its weights do not fit together", where, fix)
    return weights, about


def fingerprint(network: Network | Mlp | Transformer) -> str:
    """Sixteen hex digits of a network's numbers."""
    digest = hashlib.sha256()
    for name, tensor in zip(network._fields, network, strict=True):
        digest.update(f"{name} {tensor.shape} ".encode())
        digest.update(np.ascontiguousarray(tensor, np.float32).tobytes())
    return digest.hexdigest()[:16]


def forecaster_print() -> str:
    """The fingerprint of the forecaster here."""
    return fingerprint(forecaster())


def dial_print() -> str:
    """The fingerprint of the shipped actor, whose pools sizer and router were trained beside."""
    return fingerprint(shipped().actor)


def check_dial(made: object, where: str, fix: str) -> None:
    """What was learned beside a dial holds beside that one. Raises CheckpointError."""
    if made != dial_print():
        raise CheckpointError("it was trained beside another dial than the one here", where, fix)


def check_forecaster(header: dict[str, str], where: str, fix: str) -> None:
    """Its inputs mean what they meant to it only with the forecaster it was trained beside.

    Raises CheckpointError; `fix` says how to train another.
    """
    made, here = header.get("forecaster"), forecaster_print()
    if made != here:
        said = "does not say which" if made is None else f"was {made}"
        raise CheckpointError(
            f"it was trained beside another forecaster than the one here, {here}: its header "
            f"{said}",
            where,
            fix.replace("Train one", "Train it again beside this one"),
        )


def restored(folder: Path, options: Options, futures: int, device: str = "auto") -> "Learner":
    """A learner that goes on from a checkpoint: its networks, new optimizers. Loads torch.

    Args:
        folder: of the checkpoint.
        options: how to learn; those that decide shapes must be the checkpoint's.
        futures: numbers that critics see of the future.
        device: one of `engine.device.DEVICES`.

    Raises:
        UsageError: the device is not there.
        CheckpointError: as `load`, or the options ask for other networks.
    """
    import torch

    from models.learners import learner_of

    load(folder)
    header, tensors = _read(folder)
    if _told_least(header) != options.told_least:
        raise CheckpointError("its networks read priorities otherwise", *_named(folder))
    learner = learner_of(
        options, sizes(futures), 0, tensors["shift"], tensors["scale"], device_for(device)
    )
    try:
        for name in NETWORKS:
            state = {
                key.removeprefix(f"{name}."): torch.from_numpy(tensor)
                for key, tensor in tensors.items()
                if key.startswith(f"{name}.")
            }
            getattr(learner, name).load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(
            f"its networks are others than asked for: {header['actor']}", *_named(folder)
        ) from error
    return learner


def _read(folder: Path) -> tuple[dict[str, str], dict[str, Any]]:
    header, tensors = read(folder, FORMAT, _TABLE, _named(folder)[1])
    if header.get("actor") not in ACTORS:
        raise _of_another_version(*_named(folder))
    return header, tensors


def read(
    folder: Path, form: str, table: str, fix: str
) -> tuple[dict[str, str], dict[str, AnyArray]]:
    """Header and tensors of a file of this format whose inputs are those of the table.

    Raises:
        CheckpointError: it cannot be read, or is of another format or table.
    """
    header, tensors = opened(folder, fix)
    if (header.get("format"), header.get("table")) != (form, table):
        raise _of_another_version(f"checkpoint {folder.name}", fix)
    return header, tensors


def opened(folder: Path, fix: str) -> tuple[dict[str, str], dict[str, AnyArray]]:
    """Header and tensors of a file, whatever is in it. Raises CheckpointError."""
    try:
        with safe_open(folder / WEIGHTS, "np") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return file.metadata() or {}, tensors
    except (OSError, SafetensorError) as error:
        what = f"{WEIGHTS} cannot be read: {error}"
        raise CheckpointError(what, f"checkpoint {folder.name}", fix) from error


def _of_another_version(where: str, fix: str) -> CheckpointError:
    return CheckpointError("it is of another version of the product", where, fix)


def _told_least(header: dict[str, str]) -> float:
    """A file that does not say so is of a time when priorities were read as they are.

    Raises ValueError where what it says is no number of 0 or more.
    """
    value = float(header.get("told_least", "0"))
    if not 0.0 <= value < math.inf:
        raise ValueError(f"told_least is {value}")
    return value


def _named(folder: Path) -> tuple[str, str]:
    fix = "Train one: smartscale train allocator --out FOLDER"
    if folder.parent.suffix == SHELF:
        fix = f"Use the shipped one: {BACK}. {fix}"
    return f"checkpoint {folder.name}", fix


def _fits(weights: Weights) -> bool:
    values = mlp_shapes(INPUTS + 2, len(weights.values.b1), len(SCORES))
    if isinstance(weights.actor, Mlp):
        single = len(weights.actor.b3) == ACTIONS
        outputs = ACTIONS if single else POSITIONS * len(SCORES)
        actor = mlp_shapes(INPUTS, len(weights.actor.b1), outputs)
    else:
        actor = _transformer_shapes(*weights.actor.qkv.shape[:2])
        if weights.heads < 1 or weights.actor.qkv.shape[1] % weights.heads:
            return False
    shapes = ((WIDTH,), (WIDTH,), *actor, *values)
    tensors = (weights.shift, weights.scale, *weights.actor, *weights.values)
    return all_fit(tensors, shapes)


def all_fit(tensors: Sequence[AnyArray], shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether tensors have these shapes and hold finite float32 numbers."""
    return all(
        tensor.shape == shape and tensor.dtype == np.float32 and bool(np.isfinite(tensor).all())
        for tensor, shape in zip(tensors, shapes, strict=True)
    )


def mlp_shapes(inputs: int, width: int, outputs: int) -> tuple[tuple[int, ...], ...]:
    """Of two hidden layers: weights and biases by turns."""
    return (inputs, width), (width,), (width, width), (width,), (width, outputs), (outputs,)


def _transformer_shapes(layers: int, w: int) -> tuple[tuple[int, ...], ...]:
    count, n = len(TOKENS), layers
    return (
        (INPUTS, count, w), (count + 1, w), (n, w, 3 * w), (n, 3 * w), (n, w, w), (n, w),
        (n, w, 2 * w), (n, 2 * w), (n, 2 * w, w), (n, w), (n, 2, w), (n, 2, w), (w,), (w,),
        (w, 2), (2,),
    )  # fmt: skip


@cache
def shipped() -> Weights:
    """The allocator that comes with the product, read once. Raises CheckpointError."""
    return load(SHIPPED)[0]
