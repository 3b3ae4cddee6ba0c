"""Where traces and runs live: one DuckDB file, owned by one process at a time.

All SQL about stored data is in this package; the only other SQL stages files in `engine.trace`.
"""
