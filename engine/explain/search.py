"""Full-text search of sentences that are nowhere stored.

Sentences of one reason use much the same words, so a few of each tell which reasons are likely to
hold what is searched. Their sentences are made and read first, then those of all other reasons.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.explain.decision import Decision
from engine.explain.gather import Told, decisions, stream
from engine.explain.sentences import sentence
from engine.store import decision_queries as queries
from engine.store.decision_queries import Filter

__all__ = ["Found", "search"]

SAMPLES = 12
"""Sentences of each reason whose words are looked at."""
READ = 2000
"""Sentences that one search reads at most."""
LATE = -2
"""Where a search goes on among the less likely reasons: this, less the last number that was read
and 1, so from -2 on downwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Decisions with their sentences, in order of time within one search."""

    hits: tuple[tuple[Decision, str], ...]
    read: int
    """Sentences that were read."""
    more: int | None
    """Where to search on: `after` of the filter; None: all were read."""


def search(told: Told, text: str, wanted: Filter, most: int = 50) -> Found:
    """Decisions that pass a filter and whose sentence holds every word of a text.

    Args:
        told: of the run.
        text: words, in any order and case; empty: every sentence matches.
        wanted: the filter; `after` of it says where to begin.
        most: hits.
    """
    words = [word.lower() for word in text.split()]
    if not words:
        return _read(told, words, wanted, most, most)
    hits: list[tuple[Decision, str]] = []
    read = 0
    parts = _parted(told, words, wanted)
    for late, reasons in enumerate(parts):
        if not reasons or (not late and wanted.after <= LATE):
            continue
        mine = replace(wanted, reasons=reasons, after=_start(wanted.after, bool(late)))
        if len(hits) == most or read == READ:
            return _found(hits, read, LATE)
        found = _read(told, words, mine, most - len(hits), READ - read)
        hits += found.hits
        read += found.read
        if found.more is not None:
            return _found(hits, read, LATE - 1 - found.more if late else found.more)
    return _found(hits, read, None)


def _start(after: int, late: bool) -> int:
    """Number after which to read, of where a search goes on."""
    if late:
        return LATE - 1 - after if after <= LATE else -1
    return after


def _found(hits: list[tuple[Decision, str]], read: int, more: int | None) -> Found:
    ordered = sorted(hits, key=lambda hit: hit[0].number)
    return Found(hits=tuple(ordered), read=read, more=more)


def _read(told: Told, words: Sequence[str], wanted: Filter, most: int, limit: int) -> Found:
    """Reads at most so many sentences, until there are enough hits."""
    count, rows = stream(told, wanted, limit)
    hits: list[tuple[Decision, str]] = []
    last = None
    for place, decision in enumerate(rows, 1):
        last = decision.number
        told_text = sentence(decision)
        if _holds(told_text, words):
            hits.append((decision, told_text))
        if len(hits) == most and place < count:
            return _found(hits, place, last)
    return _found(hits, count, last if count == limit else None)


def _holds(text: str, words: Sequence[str]) -> bool:
    low = text.lower()
    return all(word in low for word in words)


def _parted(
    told: Told, words: Sequence[str], wanted: Filter
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Reasons that pass the filter: those whose sentences are likely to hold the words first."""
    every = replace(wanted, after=-1)
    numbers = queries.firsts(told.store, told.run, every, SAMPLES)
    spoken: defaultdict[str, str] = defaultdict(str)
    for row in decisions(told, replace(every, numbers=np.array(numbers)), len(numbers)):
        spoken[row.reason] += f" {sentence(row).lower()}"
    plain = [word for word in words if not any(letter.isdigit() for letter in word)]
    likely = [each for each, text in spoken.items() if all(word in text for word in plain)]
    return tuple(likely), tuple(each for each in spoken if each not in likely)
