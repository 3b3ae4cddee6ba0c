"""Whether every number of a sentence is found in its record: read back from the finished text."""

import re
from collections.abc import Iterable

from engine.explain.decision import Decision
from engine.explain.words import at

__all__ = ["missing_numbers"]

_NUMBER = re.compile(r"(?<![\w.-])-?\d[\d,]*(?:\.\d+)?")
SCALE = "on a scale from -1 (cheap) to 1 (safe)"
"""Of a learned policy's caution; no figure of a decision."""
_SCALES = {"%": 100.0, "min": 1 / 60, "h": 1 / 3600}
"""By the unit that follows, what a number of the record is multiplied with."""


def missing_numbers(text: str, decision: Decision) -> list[str]:
    """The numbers of a sentence that are not in the record; empty: all are.

    A number counts as found where one of the record's, in the unit that follows it in the
    sentence, rounds to the digits that are shown. The time is compared as a whole; names, and
    what the record says in words, are not read for numbers.
    """
    named = [name for line in decision.guard for name in (line.part, line.wanted, line.kept)]
    named += [str(decision.rationale.get(key, "")) for key in ("why", "decided_by")]
    for name in (decision.pool, decision.size or "", decision.hold_why, *named):
        text = text.replace(name, "") if name else text
    when = at(decision.t_s, decision.epoch_s)
    if when not in text:
        return [when]
    text = text.replace(when, "").replace("CO2e", "").replace(SCALE, "")
    known = list(decision.numbers())
    return [
        match.group()
        for match in _NUMBER.finditer(text)
        if not _is_known(match.group(), text[match.end() :].split(maxsplit=1), known)
    ]


def _is_known(shown: str, after: list[str], known: Iterable[float]) -> bool:
    value, digits = float(shown.replace(",", "")), len(shown.partition(".")[2])
    unit = after[0].strip(",.;:") if after else ""
    scales = {1.0, _SCALES.get(unit, 1.0)}
    slack = 0.5000001 * 10.0**-digits
    return any(abs(scale * each - value) <= slack for scale in scales for each in known)
