"""What an import may be told beyond the file itself; choices that matter join the recipe."""

import math
from dataclasses import dataclass

from engine.errors import UsageError

__all__ = ["ImportOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """Choices that a file leaves open. The defaults are recorded with the trace."""

    seed: int = 0
    """Of session arrivals and of requests drawn from client windows."""
    sessions_per_hour: float = 60.0
    """Poisson rate of session arrivals, where the source gives times within sessions only."""
    from_s: float = 0.0
    """Client windows only: start of the span to expand."""
    to_s: float = 3600.0
    """Client windows only: end of the span to expand, exclusive."""
    scale: float = 1.0
    """Client windows only: factor on every client's rate."""
    region: str | None = None
    """Region of a carbon series that does not name one; None: from the file's name."""
    unit: str | None = None
    """Unit of series values; None: as the format says."""

    def __post_init__(self) -> None:
        for name in ("sessions_per_hour", "scale"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise UsageError(
                    f"{name} is {value:g}", "import options", "Use a finite number above 0"
                )
        if not 0 <= self.from_s < self.to_s:
            raise UsageError(
                f"the span {self.from_s:g} s to {self.to_s:g} s is empty",
                "import options",
                "Choose 0 <= from < to",
            )
