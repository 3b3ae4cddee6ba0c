"""Where networks learn: on a GPU, or on the CPU."""

from engine.errors import UsageError

DEVICES = ("auto", "cpu", "cuda")
"""`auto`: the GPU where there is one."""


def device_for(wanted: str) -> str:
    """`cpu` or `cuda`, for one of DEVICES. Loads torch.

    Raises:
        UsageError: an unknown device, or a GPU that is not there.
    """
    from models.device import best_device  # noqa: PLC0415 - torch

    best = best_device()
    if wanted not in DEVICES or (wanted == "cuda" and best == "cpu"):
        what = "torch sees no GPU" if wanted == "cuda" else f"there is no device {wanted!r}"
        raise UsageError(what, "device", "Use cpu, or auto: the GPU where there is one")
    return best if wanted == "auto" else wanted
