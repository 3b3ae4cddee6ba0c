"""Results of replays for evaluations: small, found again by content.

Results are JSON text here; what they mean is `engine.evaluate`'s business.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from engine.store.duck import Store

__all__ = ["find", "save"]


def save(
    store: Store, judgement_id: str, case_id: str, policy: str, code_version: str, result: str
) -> None:
    """Stores a result in place of an earlier one of the same id.

    Args:
        store: the open store.
        judgement_id: hash of case, policy and code version.
        case_id: hash of what was replayed.
        policy: as typed.
        code_version: of everything that decides the result.
        result: JSON.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    with store.transaction() as cursor:
        cursor.execute(
            "INSERT OR REPLACE INTO judgements VALUES (?, ?, ?, ?, ?, ?)",
            [judgement_id, case_id, policy, code_version, now, result],
        )


def find(store: Store, judgement_ids: Sequence[str]) -> dict[str, str]:
    """Results by id, of those that are there."""
    if not judgement_ids:
        return {}
    marks = ", ".join("?" for _ in judgement_ids)
    with store.transaction() as cursor:
        rows = cursor.execute(
            f"SELECT judgement_id, result FROM judgements WHERE judgement_id IN ({marks})",
            list(judgement_ids),
        ).fetchall()
    return {str(key): str(result) for key, result in rows}
