"""Results as JSON: one document, no NaN or infinity, times in ISO 8601 with a zone."""

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def as_json(document: object) -> str:
    """The text of a document made of anything that the engine answers with."""
    return json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """Text, numbers, lists and objects only; what is absent, NaN or infinite is null."""
    if value is None or (isinstance(value, str | int) and not isinstance(value, Enum)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _unwrapped(value)


def rows(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """A frame's rows as mappings."""
    return [{str(key): cell for key, cell in row.items()} for row in frame.to_dict("records")]


def _unwrapped(value: Any) -> Any:
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, datetime):
        if str(value) == "NaT":  # what pandas has for no time
            return None
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "to_dict"):
        return [plain(row) for row in rows(value)]
    return plain(value.tolist())  # numpy
