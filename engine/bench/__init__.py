"""Benchmarks that regenerate every speed and memory figure; `smartscale bench NAME`."""
