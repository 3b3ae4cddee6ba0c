"""The sample traces that ship with the product, and the comparison first-time visitors see."""

from pathlib import Path

import engine

DEMO_TRACE = "chat_two_flash_crowds"
DEMO_POLICIES = ("static", "hpa", "hpa:metric=in_flight:target=0.7", "smartscale")
"""The first is the baseline."""
DEMO_SCENARIO = "llm-agents"


def sample_files() -> dict[str, Path]:
    """The shipped files by trace name, the demo's first."""
    folder = Path(engine.__file__).resolve().parent.parent / "sample_traces"
    found = {path.name.split(".")[0]: path for path in sorted(folder.glob("*.csv.gz"))}
    return dict(sorted(found.items(), key=lambda item: item[0] != DEMO_TRACE))
