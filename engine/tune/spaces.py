"""Which parameters of a policy are tuned, between what, and the grid that a search must beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from engine.errors import UsageError, did_you_mean
from engine.sweep.axes import Axis, Settings, parse_axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What may be set."""

    ranges: tuple[str, ...]
    """As `--vary` takes them; a search moves freely between the ends."""
    safer: tuple[int, ...]
    """Which way each range keeps the SLO better, at a higher price."""
    starts: tuple[tuple[str, ...], ...]
    """Where a search begins, in the order of the ranges: a usual setting, a cautious one."""
    grid: tuple[str, ...]
    """9 x 5 settings within them, as somebody would try by hand."""

    def axes(self) -> tuple[Axis, ...]:
        """What a search varies."""
        return tuple(parse_axis(text) for text in self.ranges)

    def beginnings(self) -> tuple[Settings, ...]:
        """Settings that a search begins with."""
        paths = [axis.path for axis in self.axes()]
        return tuple(dict(zip(paths, values, strict=True)) for values in self.starts)

    def grid_axes(self) -> tuple[Axis, ...]:
        """What the grid varies."""
        return tuple(parse_axis(text) for text in self.grid)


SPACES: Mapping[str, Space] = MappingProxyType(
    {
        "hpa": Space(
            ranges=("policy.target=0.1..0.9:log", "policy.downscale_window_s=0..600/41"),
            safer=(-1, 1),
            starts=(("0.3", "300"), ("0.15", "300")),
            grid=(
                "policy.target=0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9",
                "policy.downscale_window_s=0,60,120,300,600",
            ),
        ),
        "threshold": Space(
            ranges=("policy.upper=0.4..0.96:log", "policy.cooldown_in_s=0..600/41"),
            safer=(-1, 1),
            starts=(("0.6", "300"), ("0.45", "300")),
            grid=(
                "policy.upper=0.4,0.47,0.54,0.61,0.68,0.75,0.82,0.89,0.96",
                "policy.cooldown_in_s=0,60,120,300,600",
            ),
        ),
    }
)
"""By policy. Shares go in whole percent, as manifests say them; times in steps of 15 s, the usual
control interval, as any other does what a shorter one does, too."""


def space_of(policy: str) -> Space:
    """The space of a policy. Raises UsageError for one that is not tuned."""
    name = policy.partition(":")[0]
    if name not in SPACES:
        raise UsageError(
            f"there is no tuning of policy {name!r}", "tune", did_you_mean(name, SPACES)
        )
    return SPACES[name]
