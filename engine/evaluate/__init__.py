"""Whole frontiers of policies on many days: what each costs at equal misses, and the reverse."""
