"""How fast and in how much memory a large request file is imported, in a process of its own."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb

from engine.store.duck import Store
from engine.store.traces import import_path

__all__ = ["run"]

BAR_ROWS_PER_S = 1_000_000
BAR_PEAK_GIB = 2.0
_PER_SECOND = 200
"""Arrival rate of the made file."""


def run(rows: int = 20_000_000) -> dict[str, Any]:
    """Writes a request CSV in our own layout and imports it into a new store.

    Reading, checking, profiling, storing and closing the file are all in `seconds`; starting the
    interpreter and importing modules are not.
    """
    with tempfile.TemporaryDirectory(prefix="smartscale-bench-") as folder:
        path = Path(folder) / "requests.csv"
        _write(path, rows)
        made = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "engine.bench.import_", str(path)],
            check=True,
            capture_output=True,
            text=True,
        )
        measured = json.loads(made.stdout)
        file_mib = path.stat().st_size / 2**20
    rows_per_s = rows / measured["seconds"]
    peak_gib = measured["peak_kib"] / 2**20
    return {
        "rows": measured["rows"],
        "file_mib": file_mib,
        "seconds": measured["seconds"],
        "cpu_seconds": measured["cpu_seconds"],
        "rows_per_s": rows_per_s,
        "peak_gib": peak_gib,
        "bar_rows_per_s": BAR_ROWS_PER_S,
        "bar_peak_gib": BAR_PEAK_GIB,
        "passed": rows_per_s >= BAR_ROWS_PER_S and peak_gib <= BAR_PEAK_GIB,
    }


def _write(path: Path, rows: int) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(
            "COPY (SELECT round((i + (hash(i) % 1000)::INTEGER / 1000) / $per_second, 6) "
            "AS arrival_s, (hash(i + 1) % 4096)::INTEGER AS input_tokens, "
            "(hash(i + 2) % 1024)::INTEGER AS output_tokens FROM range($rows) AS r(i)) "
            "TO $path (FORMAT csv, HEADER)",
            {"rows": rows, "per_second": _PER_SECOND, "path": str(path)},
        )


def _measure(path: Path) -> dict[str, Any]:
    started, cpu_before = time.perf_counter(), time.process_time()
    with Store(path.with_name("store.duckdb")) as store:
        imported = import_path(store, path)
    return {
        "rows": imported.rows,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu_before,
        "peak_kib": _peak_kib(),
    }


def _peak_kib() -> int:
    """Largest resident size of this process.

    From /proc, because `ru_maxrss` starts with what the parent had at the fork.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1])


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure(Path(sys.argv[1]))))
