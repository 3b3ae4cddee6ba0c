"""Every word of the page *Explain*: labels, help, alternative texts, sentences with numbers."""

from collections.abc import Mapping

from app.formats import amount, count, duration, percent
from engine.explain.decision import Kind

INTRO = (
    "Every decision of a replay, also those that changed nothing: what was seen, what was asked "
    "for, what bound it, and what would have happened otherwise."
)
NONE = "Nothing was replayed yet. Decisions are explained from a replay's own records."
OLD = "This run was made by an older version. Replay it again to have its decisions explained."
RUN, RUN_UNKNOWN = "Run", "The run in this address is not in the store. Here is the newest one."
SUMMARY = "Decisions over time"
KIND, REASON, POOL, ALL_POOLS = "What became of it", "Reason", "Pool", "All pools"
WORST, WORST_HELP = (
    "Worst SLO minutes",
    "Only decisions in the 20 minutes in which most requests missed the SLO, or just before.",
)
REVERSALS, REVERSALS_HELP = "Reversals", "Only steps against the direction of the step before."
REVIEWED, REVIEWED_HELP = "Reviewed", "Only decisions that somebody has reviewed."
SEARCH, SEARCH_HELP = "Search the sentences", "Every word must be in the sentence."
SEARCH_EXAMPLE = "for example: stabilisation 12 workers"
TIMELINE_ALT = "Decisions over time, by workers applied and what became of them"
TIMELINE_AXIS = "Workers asked for"
LIST_NONE = "No decision passes this filter."
SEARCH_NONE = "No sentence that was read holds all of these words."
MORE, FIRST = "Search on", "From the first"
DECISION = "The decision"
EARLIER, LATER = "Decision before", "Decision after"
SAW_TITLE, SAW_ALT = "What it saw", "What was observed beside its usual range over the run"
SAW_NONE = "Nothing was observed before the first tick."
FORECAST_TITLE = "What it expected"
FORECAST_AXIS = "Requests per second"
FORECAST_ALT = "Arrivals before and after the decision, and quantiles that were expected"
FORECAST_CAPTION = (
    "The dashed line marks the cut-off: the policy knew nothing to the right of it. What came is "
    "grey, also afterwards, for comparison."
)
FORECAST_NONE = "This policy uses no forecast."
GUARD_TITLE, GUARD_ALT = "What the guard did", "Each stage of the guard with before and after"
RECORD_TITLE = "The policy's own numbers"
MOVED_TITLE = "What moved the policy"
MOVED_NONE = (
    "This policy is a rule: its sentence above is the whole reason. Only learned policies have "
    "attention, attribution and expected values."
)
MOVED_LATER = "The policy was not due, or knew nothing of the demand yet: nothing moved it."
MOVED_HELP = (
    "The decision is made again, and the policy is asked. Attention is what the network looked "
    "at; that is no proof of what counts. What counts is measured: each group of what it sees is "
    "hidden, and the size is worked out again."
)
GROUP, ATTENTION, ATTRIBUTION = "Group", "Attention", "What each group changes"
ATTENTION_ROW, ATTENTION_ALT = "Row", "Shares of attention by group of what the policy sees"
ATTENTION_NONE = "This network has no attention: it is a multi-layer perceptron."
ATTRIBUTION_NOTE = "Wanted size as it is, less the size with the group hidden."
ATTRIBUTION_ALT = "Change of the wanted size that each group stands for"
ATTRIBUTION_AXIS = "Difference ({unit})"
LAYERS, HEADS_FLOW = "Layers and heads", "Through all layers, all heads (rollout)"
HEADS_MEAN, HEADS_EACH = "All, averaged", "Each layer and head"
VALUES_TITLE = "What neighbouring sizes were expected to earn"
VALUES_HELP = (
    "Discounted points that the policy's critics expected, by component, and weighted by the "
    "priorities in force. It decides by its own network, not by the highest of these."
)
VALUES_ALT = "Expected values of the chosen size and its neighbours, by component"
VALUES_SIZE, VALUES_CHOSEN, VALUES_ALL = "Size", "As chosen", "Weighted"
VALUES_OUT = "–: no position of the policy's dial comes to that size."
REWARD_TITLE = "What it earned until the next decision"
REWARD_HELP = (
    "The reward of the learned allocator, computed from what happened, for every policy alike. "
    "Nobody is ranked by it, the scorecard is for that. Workers that are still starting when the "
    "next decision is made count as cost only: what if shows what they were good for."
)
REWARD_NONE = "Nothing was played after it."
REWARD_ALT = "What each component adds to the reward of the decision"
REWARD_AXIS, REWARD_FORMULA = "Points a tick", "How it is computed"
COMPONENT = "Component"
WATERFALL: Mapping[str, str] = {"adds": "adds", "takes": "takes", "together": "together"}
CHECK_HELP = (
    "Plays the run again up to this decision, compares, and lifts what bound it. The first "
    "question of a run takes as long as a replay; later ones less than a second."
)
CHECK = "Check this decision"
AGAIN = "Play the run again"
SAME = "Made again, the decision is the same, after the same observation."
NOT_SAME = "Made again, the decision is another one: do not believe this record."
FREE = "No constraint bound it: the demand asks for this size."
WHAT_IF_TITLE = "What if"
WHAT_IF_HELP = (
    "The replay is branched here and both sides are played on by the same simulator. Nothing is "
    "estimated. A changed size is kept whatever policy and guard want, within the pool's limits "
    "and the room on its nodes."
)
HORIZON, KEEP = "Play on for", "Keep a changed size for"
WHAT_IF_ALT = "Figures over the horizon as it was and otherwise"
WHAT_IF_CHART_ALT = "Workers asked for as it was and otherwise"
WHAT_IF_AXIS = "Workers asked for"
AS_IT_WAS = "As it was"
REVIEW_TITLE = "Your review"
REVIEWER, TAG, NOTE = "Your name", "Tag", "Note"
VERDICT, SAVE, SAVED = "Do you agree?", "Save the review", "Saved."
VERDICTS: Mapping[str, str] = {
    "agree": "Agree", "disagree": "Disagree", "unsure": "Unsure",
}  # fmt: skip
REVIEWS, REVIEWS_ALT = "Reviews", "Reviews of this run's decisions"
REVIEWS_NONE = "Nobody has reviewed a decision of this run yet."
COUNTS_ALT = "Reviews by policy, reason and verdict"
QUEUE, QUEUE_NONE = "Worth a look", "Nothing here is questionable that nobody has looked at."
QUEUE_HELP = (
    "Where the guard changed most, where the oracle earned most more (the regret, in points of "
    "the reward), where other policies decided otherwise, where demand came far above or "
    "below the forecast. One decision of each kind for ten minutes."
)
HOLD_TITLE = "Hold a size"
HOLD_HELP = (
    "A person's order in a replay of its own: the pool keeps this size, whatever the policy "
    "asks for. It is logged with your reason, and the result stands beside this run."
)
HOLD_SIZE, HOLD_FOR, HOLD_WHY, HOLD_GO = "Workers", "For", "Why", "Replay with this hold"
HOLD_READY = "The replay with the hold is done."
COMPARE_TITLE, COMPARE_WITH = "Beside another policy", "Compare with"
COMPARE_HELP = "Runs of the same demand under the same scenario."
COMPARE_NONE = "There is no other run of the same demand under the same scenario."
COMPARE_GO = "Go to where they part first"
COMPARE_COST, COMPARE_ALT = "From there to the end", "What the two policies came to from there"
COMPARE_MORE = "See all figures on Compare"
REVIEWED_MARK = "Reviewed"
NEVER_PART = "These two runs ask for the same sizes throughout."
PLAN_TITLE = "What it plans"
PLAN_NONE = "No step: the forecast asks for no more than there is."
PLAN_CAPTION = (
    "What the forecast asks for later, before holds and the guard. It is told, not executed: the "
    "next decision plans anew."
)
PLAN_ALT = "Steps that the policy plans: when, from and to how many workers, and their price"
BELIEF_TITLE = "How far to believe this page"
BELIEF_ALONE = "Recorded constraints that change the size when lifted alone"
BELIEF_LIFTED = "Named constraints, or sets of them, that change the size when lifted"
BELIEF_GO = "Check every decision of this run"
BELIEF_HELP = "Makes every decision again, lifts what bound it, and reads every sentence back."
OBSERVED: Mapping[str, tuple[str, str]] = {
    "arrived": ("Requests arrived", "in the tick"),
    "queued": ("Requests waiting", "at its end"),
    "in_service": ("Requests in service", "at its end"),
    "finished": ("Requests finished", "in the tick"),
    "failed": ("Requests failed", "in the tick"),
    "busy_slots": ("Slots in use", "mean"),
    "offered_slots": ("Slots that arrivals need", "mean"),
    "starting": ("Workers starting", "at its end"),
    "ready": ("Workers ready", "at its end"),
    "draining": ("Workers draining", "at its end"),
    "target": ("Workers asked for", "in the tick"),
}
STAGES: Mapping[str, str] = {
    "quantise": "Round up", "size": "Worker size", "carbon": "Carbon mask", "slo": "SLO floor",
    "limits": "Pool limits", "rate": "Rate limit", "cooldown": "Cooldown", "budget": "Budget",
    "placement": "Room on nodes", "hold": "A person's hold", "siting": "Siting",
}  # fmt: skip
HORIZONS_S = (900.0, 3600.0, 7200.0)
KEPT_S = (300.0, 900.0, 3600.0)
FIGURES: Mapping[str, tuple[str, str]] = {
    "slo_attainment_frac": ("Within the SLO", "%"),
    "p50_s": ("Median latency", "s"),
    "p95_s": ("95 % of latencies below", "s"),
    "p99_s": ("99 % of latencies below", "s"),
    "failed": ("Requests failed", "requests"),
    "worker_hours": ("Worker hours", "h"),
    "cost_usd": ("Cost", "USD"),
    "carbon_g": ("Carbon", "g CO₂e"),
}


def reason(code: str) -> str:
    """A reason code in words."""
    return code.replace("_", " ")


def shown(marks: int, decisions: int) -> str:
    """What the marks of the timeline stand for."""
    if marks == decisions:
        return f"Each mark is one decision ({decisions:,}). Click one to open it."
    return (
        f"{decisions:,} decisions as {marks:,} marks: one for alike neighbours, sized by how many "
        "they are. Click one to open its first."
    )


def kind_label(kind: Kind, number: int) -> str:
    """A kind in the filter, with how many there are."""
    text = str(kind)
    return f"{text[:1].upper()}{text[1:]} ({number:,})"


def searched(hits: int, read: int, more: bool) -> str:
    """How much of the run a search has read."""
    rest = ", and there are more to read" if more else ", which is all there are"
    return f"{count(hits, 'hit')} in {count(read, 'sentence')}{rest}."


def bound(names: list[str], without: str, applied: str, pools: tuple[str, ...]) -> str:
    """What lifting the named constraints changes; several pools are counted together."""
    told = " and ".join(reason(name) for name in names)
    where = f" to {' and '.join(pools)} together" if len(pools) > 1 else ""
    return (
        f"Bound by: **{told}**. Without, {without} would have been applied{where}, not {applied}."
    )


def what_if(words: str, pool: str, horizon_s: float, kept_s: float | None) -> str:
    """What was asked."""
    kept = "" if kept_s is None else f", kept for {duration(kept_s)}"
    return f"**{words[:1].upper()}{words[1:]}** for {pool}{kept}, over {duration(horizon_s)}"


def unresolved(base: int, other: int) -> str:
    """Requests without an end when both sides were played."""
    return (
        f"Still under way when playing ended, and counted as failed: {base:,} as it was, "
        f"{other:,} otherwise."
    )


def usual(low: float, middle: float, high: float) -> str:
    """The usual range of an observation."""
    return f"{amount(low)} to {amount(high)}, median {amount(middle)}"


def earned(total: float, usual: float, seconds: float) -> str:
    """A decision's reward beside the run's usual one."""
    return (
        f"**{amount(round(total, 2))} points** in the {duration(seconds)} until the next "
        f"decision; over the run usually {amount(round(usual, 2))}."
    )


def layer(number: int, head: int | None = None) -> str:
    """A layer of the network, or one of its heads."""
    return f"Layer {number}" if head is None else f"Layer {number}, head {head}"


def agrees(correlation: float | None) -> str:
    """How far attention ranks groups like attribution, in one decision."""
    if correlation is None:
        return "Nothing that was hidden changes this size: there is no rank to agree with."
    how = "agree" if correlation > 0.5 else "disagree" if correlation < 0 else "hardly agree"
    return (
        f"Here attention and attribution {how} on what matters: rank correlation "
        f"{amount(round(correlation, 2))} (1: same order, 0: none, −1: reversed). For the whole "
        "run see the foot of this page."
    )


def trust(correlation: float | None, top: float | None, random: float | None) -> str:
    """How far attention is to be believed, from figures."""
    if correlation is None or top is None or random is None:
        return "This policy has no attention."
    verdict = "is not to be trusted here"
    if top > random and correlation > 0.5:
        verdict = "agrees with what counts"
    elif top > random:
        verdict = "points at something that counts, but its order is not to be trusted"
    return (
        f"Attention {verdict}: it ranks groups like occlusion with a correlation of "
        f"{amount(round(correlation, 2))}; hiding the most attended group changes the size by "
        f"{amount(top)} workers, a random one by {amount(random)}."
    )


def named(constrained: int, number: int, together: bool) -> str:
    """What was lifted, and what was not."""
    text = (
        f"{count(constrained, 'decision has', 'decisions have')} a constraint for a reason; for "
        f"{number:,} of them that constraint, or a set that binds together, is named and lifted"
    )
    if constrained > number:
        text += (
            f"; for the other {constrained - number:,} no set of constraints, lifted together, "
            "changes the size, so none is named"
        )
    if together:
        text += "; with siting they are those of all pools of an agent type, counted once"
    return f"{text}. A set is named only where lifting it changes the size."


def belief(share: float | None, what: str, of: int) -> str:
    """A share, and what it is of."""
    return f"{what}: {'none to check' if share is None else f'{percent(share)} of {of:,}'}"
