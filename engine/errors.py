"""Everything an operator can act on, as one small tree; imported everywhere, imports nothing.

    EngineError
    ├── UsageError        the command or the call was wrong (exit code 2)
    ├── TraceError        a file cannot become a trace (exit code 3)
    ├── StoreError        the DuckDB store cannot be opened or does not hold what was asked for
    ├── ScenarioError     a scenario value is missing, unknown or out of range
    ├── PolicyError       a policy is unknown, cannot be loaded, or gave an impossible answer
    │   └── PolicyFailed  a policy raised an error of its own in the middle of a replay
    ├── CheckpointError   a trained network is missing, damaged or of another version
    └── ReplayCancelled   somebody asked the replay to stop; nothing was lost

Every error says what is wrong, where, and how to fix it. The screen and the command line show
exactly these three.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class EngineError(Exception):
    """Something the operator can act on: what is wrong, where, and how to fix it."""

    def __init__(self, what: str, where: str, fix: str) -> None:
        super().__init__(what, where, fix)  # positional, so it pickles across processes
        self.what, self.where, self.fix = what, where, fix

    def __str__(self) -> str:
        return f"{self.what} ({self.where}). {self.fix}."


class UsageError(EngineError):
    """The request itself makes no sense: an unknown name, an impossible combination."""


class TraceError(EngineError):
    """A file cannot become a trace; the store is unchanged."""


class StoreError(EngineError):
    """The store cannot be opened, or does not hold what was asked for."""


class ScenarioError(EngineError):
    """A scenario value is missing, unknown or out of range."""


class PolicyError(EngineError):
    """A policy is unknown, cannot be loaded, or proposed something impossible."""


class PolicyFailed(PolicyError):  # noqa: N818 — the policy failed, not what was asked of it
    """A policy raised an error of its own in the middle of a replay."""


class CheckpointError(EngineError):
    """A trained network cannot be used: missing, damaged, or of another version."""


class AccountingError(EngineError):
    """A replay does not add up: its figures must not be used."""


class ReplayCancelled(EngineError):  # noqa: N818 — nothing went wrong
    """The replay was asked to stop; what was stored before is untouched."""


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """A fix for an unknown name: the nearest known one, then all of them."""
    names = sorted(known)
    near = get_close_matches(given, names, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{hint}Known: {', '.join(names)}"
