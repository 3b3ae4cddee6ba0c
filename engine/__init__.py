"""The meaning of SmartScale, everything that is true without a screen.

trace files ─► trace ─► store (DuckDB) ─► replay ─► run records ─► planner ─► pages, commands
                          scenario ─────►  ▲│
                                     sim ⇄ policies
"""
