"""Every word of the page *Training*; sentences with numbers in them are functions below."""

from collections.abc import Mapping
from typing import Any

INTRO = (
    "Fine-tune the learned allocator to your own demand, or train one from scratch, and see what "
    "it is worth before `smartscale` uses it."
)
KIND = "training"
SHIPPED = "shipped"

# What is used
USED_TITLE = "In use"
USED_SHIPPED = "The policy `smartscale` uses the allocator that comes with the product."
BACK = "Use the shipped one again"

# Start
START_TITLE = "Start"
HOW, ADAPT, TRAIN = "What to do", "Fine-tune to a trace", "Train from scratch"
TRACE, PRESET = "Trace", "Cluster preset"
ADAPT_HELP = (
    "Learns from the first 60 % of the trace, stops by the next 20 %, and is judged on the last "
    "20 %, which it never saw. Begins from the allocator that knows the most similar workloads. "
    "Traces of 7.8 hours or more only."
)
TRAIN_HELP = (
    "Learns from generated workloads only. These defaults are those of the three trainings that "
    "the shipped allocator was distilled from, and take about a quarter of an hour. It is judged "
    "on two generated days that it never saw."
)
NAME, EPISODES, CELLS, SEED = "Name", "Episodes", "Pools at once", "Seed"
NETWORK, LESSONS = "Network", "Lessons"
NETWORKS: Mapping[str, str] = {
    "mlp": "MLP", "transformer": "Transformer", "dqn": "DQN (a rival)"
}  # fmt: skip
LESSONS_HELP = (
    "Episodes in which every position of the dial is kept for long, which the network learns from "
    "first. A DQN takes none."
)
EPISODES_ADAPT_HELP = (
    "At most. It stops early when nothing gets better. An episode is 1.5 simulated hours and "
    "takes from some seconds to a minute."
)
EPISODES_TRAIN_HELP = "An episode is 1.5 simulated hours of all pools."
GO_ADAPT, GO_TRAIN, GO_ON = "Fine-tune", "Train", "Go on"
NO_TRACES = (
    "There is no trace of 7.8 hours or more, which fine-tuning needs. Load one, or train from "
    "scratch."
)
FIRST = "the first episode"
BUSY = "One training at a time: this one has to end, or be cancelled, first."
STOPPED_NOTE = "Nothing is lost: it goes on after its last whole episode."

# Trainings
LIST_TITLE = "Trainings"
NONE = "Nothing was trained on this machine yet."
PICK = "Look at"
LOOK_FIRST = "The first episode is still under way; curves begin with its end."
UNFINISHED = "This training is not finished. It can go on where it was, also after a crash."
FORGET, FORGET_SURE = "Delete", "Delete this training"
STATES: Mapping[str, str] = {
    "running": "running", "unfinished": "not finished", "better": "better than what was used",
    "not better": "not better than what was used", "used": "in use",
}  # fmt: skip

# Curves
CURVES_TITLE = "How it learned"
EPISODE = "Episode"
LOSS, REWARD, SERVED = "Loss of the critics", "Reward", "Served well, and scaling efficiency"
SPREAD, RANDOM = "Exploration (entropy)", "Exploration (random positions)"
REWARD_LINE, VALIDATION_LINE = "While exploring, ± spread between pools", "Validation part"
SERVED_LINE, EFFICIENCY_LINE = "Requests served in time", "Scaling efficiency"
CURVES_HELP = "What the four panels mean"
CURVES_MEANINGS = """
- **Loss of the critics:** how far their values are from what came. It rises when better \
behaviour is found and falls as they learn it.
- **Reward:** mean score by the priorities in force while it acted, ± one standard deviation \
between pools. For a fine-tuning also that of the validation part, without exploration; the best \
of it is kept.
- **Exploration:** entropy of the actions; it falls towards its aim as the allocator grows \
certain. A DQN has none: it takes random positions, with a chance that falls as it learns.
- **Served in time:** share of requests that waited at most half a mean service time. **Scaling \
efficiency:** work over the slots that were paid for. Both are measured while exploring.
"""
SHARE_AXIS, LOSS_AXIS, REWARD_AXIS = "Share (%)", "Squared error", "Mean score a tick"
SPREAD_AXIS, RANDOM_AXIS = "Entropy (nats)", "Chance (%)"

# Worth
WORTH_TITLE = "What it is worth"
WORTH_ALT = "Cost and misses before and after, by weight of cost"
WORTH_HEADS: Mapping[str, str] = {
    "cost_weight": "Weight of cost", "before": "Cost before", "missed_before": "Missed before",
    "after": "Cost after", "missed_after": "Missed after",
}  # fmt: skip
WORTH_CAPTION = (
    "Cost is provisioned slot-seconds over the work that arrived; 1 is perfect elasticity. "
    "Missed: waited over half a mean service time, or did not finish. Before: what was in use."
)
COST_AXIS, MISSED_AXIS = "Cost (slot-seconds over work)", "Requests missed (%)"
BEFORE, AFTER = "Before", "After"
PROMOTE, PROMOTED = "Let smartscale use it", "`smartscale` uses this allocator."
REFUSED = "It is not better than what is in use, so it cannot be chosen."

# Champion
CHAMPION_TITLE = "The rule or the learned policy?"
CHAMPION_TEXT = (
    "Replays the last day of a trace under the predictive rule and under the learned policy, from "
    "cautious to cheap, and chooses for every pool. As the policy `champion`, a replay chooses "
    "like this every hour."
)
CHAMPION_GO = "Choose"
CHAMPION_KIND = "champion"
CHAMPION_ALT = "Who should decide for each pool, and why"
CHAMPION_HEADS: Mapping[str, str] = {
    "pool": "Pool", "chosen": "Decides", "missed": "Missed", "why": "Why",
}  # fmt: skip
RULE, LEARNED = "the rule", "the learned policy"


def used(name: str) -> str:
    """What is in use."""
    return f"The policy `smartscale` uses the allocator **{name}**, trained here."


def adapting(trace: str) -> str:
    """A job's title."""
    return f"Fine-tuning to {trace}"


def training(name: str) -> str:
    """A job's title."""
    return f"Training {name}"


def choosing(trace: str) -> str:
    """A job's title."""
    return f"Choosing for {trace}"


def verdict(text: str, days: list[str]) -> str:
    """What a training is worth."""
    on = f" on {', '.join(days)}, the part that was held back" if days else ""
    return f"{text[:1].upper()}{text[1:]}{on}."


def state_of(result: dict[str, Any] | None, promoted: bool, running: bool) -> str:
    """How a training stands, in a word or two."""
    if running:
        return STATES["running"]
    if result is None:
        return STATES["unfinished"]
    if promoted:
        return STATES["used"]
    return STATES["better" if result["better"] else "not better"]


def origin(plan: dict[str, Any]) -> str:
    """What a training was made of."""
    if plan["kind"] == "train":
        return f"From scratch: {plan['episodes']} episodes of {plan['cells']} pools."
    apart = ", ".join(f"{name} {value:.2f}" for name, value in plan["distances"].items())
    return (
        f"Fine-tuned to {plan['trace']} from the allocator {plan['start']} "
        f"(distance of the workloads that each knows, 1 is far: {apart})."
    )
