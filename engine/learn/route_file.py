"""A routing head on disk: model.safetensors with its facts in the header; loading runs no code."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from engine.errors import CheckpointError
from engine.learn import checkpoint
from engine.learn.rewards import SCORES
from engine.learn.routing import FEATURES, STATE, Head, Routing
from engine.policies import parameters as check
from engine.policies.base import PolicyContext
from engine.units import FloatArray

SHIPPED = checkpoint.SHIPPED.with_name("router")
FORMAT = "smartscale router 1"
_TABLE = [*FEATURES, *STATE, *SCORES]
_FACTS = "facts"


def save(head: Head, folder: Path, about: dict[str, Any]) -> None:
    """Writes a head; equal ones give equal bytes. `about`: JSON-able facts of its training."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"format": FORMAT, "table": _TABLE, "dial": checkpoint.dial_print(), "about": about}
    header = {_FACTS: json.dumps(facts)}  # of several entries the order would be random
    save_file(dict(head._asdict()), folder / checkpoint.WEIGHTS, header)


def load(folder: Path) -> Head:
    """The head in a folder.

    Raises:
        CheckpointError: missing, damaged, of another format, of shapes that do not fit, or
            trained beside another dial than the shipped one.
    """
    where, fix = f"checkpoint {folder.name}", "Train one: smartscale train router"
    header, tensors = checkpoint.opened(folder, fix)
    try:
        facts = json.loads(header.get(_FACTS, "{}"))
    except ValueError as error:
        what = f"{checkpoint.WEIGHTS} cannot be read: {error}"
        raise CheckpointError(what, where, fix) from error
    if facts.get("format") != FORMAT or facts.get("table") != _TABLE:
        raise CheckpointError("it is of another version of the product", where, fix)
    checkpoint.check_dial(facts.get("dial"), where, fix)
    if set(tensors) != set(Head._fields) or not _fits(Head(**tensors)):
        raise CheckpointError("its weights do not fit together", where, fix)
    return Head(**tensors)


def _fits(head: Head) -> bool:
    inputs, width = len(STATE) + len(SCORES), head.b1.size
    shapes = (
        (len(STATE),), (len(STATE),), (len(FEATURES),), (inputs, width), (width,),
        (width, width), (width,), (width, len(FEATURES)), (len(FEATURES),),
    )  # fmt: skip
    fit = checkpoint.all_fit(head, shapes)
    return fit and bool((head.scale > 0).all() and (head.apart > 0).all())


@cache
def shipped() -> Head:
    """The head that comes with the product, read once. Raises CheckpointError."""
    return load(SHIPPED)


def routing_of(name: str, context: PolicyContext, priorities: FloatArray) -> Routing:
    """The shipped head for one replay.

    Args:
        name: of the policy, for errors.
        context: the pools.
        priorities: (5,)

    Raises:
        PolicyError: weights of pools mean nothing there.
    """
    if not context.weighs_pools:
        raise check.refuse(
            name, "routing is true, but requests are not routed by weights of pools",
            "Use the hierarchical router, and no siting, or leave routing off",
        )  # fmt: skip
    return Routing(context, priorities, shipped())
