"""What a line of the scorecard says about itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the scorecard."""

    key: str
    label: str
    unit: str
    better: str | None
    """`lower`, `higher`, or None where neither is."""
    meaning: str
    windowed: bool = False
    """Whether it can be computed again for a part of the run."""
