"""Sweeps: many replays of one trace window over a grid, a sample or a search of settings."""
