"""Full garbage collections, kept short while decisions are timed."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def old_left_alone() -> Iterator[None]:
    """Full collections pass over whatever is there now; afterwards they look at all again.

    Where somebody has set old objects aside already, as the dashboard does, they stay so.

    Modules and what is loaded come to over 100,000 objects, which nothing lets go: to look at
    them took 70 ms of every hundredth decision of a large cluster (measured).
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
