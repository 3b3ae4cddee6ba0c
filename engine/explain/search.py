"""Full-text search of sentences that are nowhere stored.

Sentences of one reason use the same words, so the words of a few of them tell which reasons can
hold a searched word at all; of those, sentences are made and read one after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.explain.decision import Decision
from engine.explain.gather import Told, decisions
from engine.explain.sentences import sentence
from engine.store import decision_queries as queries
from engine.store.decision_queries import Filter

__all__ = ["Found", "search"]

SAMPLES = 12
"""Sentences of each reason whose words are looked at."""
READ = 3000
"""Sentences that one search reads at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Decisions with their sentences, in order of time."""

    hits: tuple[tuple[Decision, str], ...]
    read: int
    """Sentences that were read."""
    more: int | None
    """Search on after this decision; None: all that could match were read."""


def search(told: Told, text: str, wanted: Filter, most: int = 50) -> Found:
    """Decisions that pass a filter and whose sentence holds every word of a text.

    Args:
        told: of the run.
        text: words, in any order and case; empty: every sentence matches.
        wanted: the filter; `after` of it says where to begin.
        most: hits.
    """
    words = [word.lower() for word in text.split()]
    reasons = _reasons(told, words, wanted) if words else wanted.reasons
    if words and not reasons:
        return Found(hits=(), read=0, more=None)
    chosen = replace(wanted, reasons=tuple(reasons))
    limit = READ if words else most
    rows = decisions(told, chosen, limit)
    hits: list[tuple[Decision, str]] = []
    for place, decision in enumerate(rows):
        told_text = sentence(decision)
        if _holds(told_text, words):
            hits.append((decision, told_text))
        if len(hits) == most and place + 1 < len(rows):
            return Found(hits=tuple(hits), read=place + 1, more=decision.number)
    more = rows[-1].number if len(rows) == limit else None
    return Found(hits=tuple(hits), read=len(rows), more=more)


def _holds(text: str, words: Sequence[str]) -> bool:
    low = text.lower()
    return all(word in low for word in words)


def _reasons(told: Told, words: Sequence[str], wanted: Filter) -> list[str]:
    """Reasons whose sentences can hold the words; numbers and times can be in any."""
    plain = [word for word in words if not any(letter.isdigit() for letter in word)]
    names = " ".join(told.run.pools).lower()
    plain = [word for word in plain if word not in names]
    found = []
    for reason in dict.fromkeys(queries.counts(told.store, told.run, wanted)["reason"]):
        rows = decisions(told, replace(wanted, reasons=(reason,), after=-1), SAMPLES)
        spoken = " ".join(sentence(row).lower() for row in rows)
        if len(rows) < SAMPLES or all(word in spoken or _rare(word) for word in plain):
            found.append(reason)
    return found


def _rare(word: str) -> bool:
    """Names of weekdays and months come from the time, so any reason can have them."""
    return word in _MONTHS


_MONTHS = frozenset("jan feb mar apr may jun jul aug sep oct nov dec utc".split())  # noqa: SIM905
