"""What every test gets: a store of its own, and property tests that give the same answer twice."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "smartscale",
    deadline=None,  # the first call of a compiled kernel takes seconds
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("smartscale")


@pytest.fixture(autouse=True)
def store_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's store would be. The store of whoever runs the tests is out of reach."""
    path = tmp_path / "store.duckdb"
    monkeypatch.setenv("SMARTSCALE_STORE", str(path))
    return path
