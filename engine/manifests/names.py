"""Names, labels and quantities as the Kubernetes API wants them."""

import re
from decimal import Decimal, InvalidOperation

LONGEST_NAME = 63
"""Of a label value, and so of the `app` of a Deployment."""
POOL, SCENARIO = "smartscale/pool", "smartscale/scenario"
ZONE_LABEL = "topology.kubernetes.io/zone"
HOST_LABEL = "kubernetes.io/hostname"
GPU = "nvidia.com/gpu"
GIB = 2**30

_SUFFIXES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
}  # fmt: skip


def slugs(names: list[str]) -> list[str]:
    """A DNS label for each name, each its own."""
    made: list[str] = []
    for name in names:
        stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[: LONGEST_NAME - 4] or "pool"
        stem = stem.rstrip("-")
        free = (f"{stem}-{n}" for n in range(2, len(names) + 2))
        made.append(stem if stem not in made else next(s for s in free if s not in made))
    return made


def label(name: str) -> str:
    """A name as the value of a label."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:LONGEST_NAME].rstrip("-._")


def cores(value: float) -> str:
    """CPU as a quantity, to the thousandth of a core."""
    milli = round(value * 1000)
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli}m"


def gib(value: float) -> str:
    """Memory as a quantity, to the MiB."""
    mib = round(value * 1024)
    return f"{mib // 1024}Gi" if mib % 1024 == 0 else f"{mib}Mi"


def quantity(text: object) -> float | None:
    """The number that a quantity such as `500m` or `4Gi` stands for; None: it is none."""
    found = re.fullmatch(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)", str(text).strip())
    if found is None or found[2] not in _SUFFIXES:
        return None
    try:
        return float(Decimal(found[1]) * _SUFFIXES[found[2]])
    except InvalidOperation:
        return None
