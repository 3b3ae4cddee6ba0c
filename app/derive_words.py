"""Every word of the section that makes a trace from a stored one."""

from collections.abc import Mapping

FROM = "Trace to change"
NONE = "There is no trace of requests to change yet; a series is scaled in the scenario instead."
STEP = "What happens to it"
STEPS: Mapping[str, str] = {
    "cut": "A window is kept, the rest goes",
    "scale": "Demand grows or shrinks",
    "shift": "Everything happens later",
    "crowd": "A crowd comes",
    "splice": "A part of another trace takes the place of a part",
    "tenant": "Another tenant comes",
    "drop": "A tenant, an agent type or a region goes",
}
FIELDS: Mapping[str, str] = {
    "by": "Times as much",
    "by_s": "Later by (s)",
    "at_s": "From second",
    "factor": "Times the mean rate",
    "ramp_s": "Rises over (s)",
    "hold_s": "Stays for (s)",
    "fall_s": "Falls over (s)",
    "trace": "Other trace",
    "from_s": "Part from second",
    "to_s": "Part up to second",
    "length_s": "Length (s)",
    "name": "Tenant",
    "share": "Share of all others",
    "tenant": "Tenant",
    "agent_type": "Agent type",
    "region": "Region",
}
BEGIN: Mapping[str, float | str] = {
    "to_s": 3600.0,
    "by": 2.0, "by_s": 3600.0, "at_s": 0.0, "length_s": 3600.0, "name": "newcomer",
}  # fmt: skip
SCENARIO = "Residency as in"
SCENARIO_HELP = (
    "A trace knows no regions: dropped are tenants that this scenario binds to the region alone."
)
ADD_STEP = "Add this step"
UNDO = "Take the last step back"
SO_FAR = "In this order"
SEED = "Seed"
GO = "Make the trace"
MAKING = "Making the trace"
RECIPE_HELP = "The recipe is kept with the new trace, which can be replayed like any other."
