"""Every word on the pages *Planner* and *Trade-offs*."""

NAV_PLANNER = (
    "Planner", ":material/tune:", "Turn a knob and see at once what would have happened."
)  # fmt: skip
NAV_TRADEOFFS = (
    "Trade-offs", ":material/scatter_plot:", "Many settings at once: the front, and what moves it."
)  # fmt: skip

INTRO = (
    "What if latency mattered more, workers started faster, or growth stopped on a dirty grid? "
    "A preview answers at once, the replay of every request right after."
)
START_FROM = "Start from"
START_FROM_HELP = "A preset or a scenario of yours. Every knob goes to where it stands there."
OPEN = "Open in the planner"
OPEN_HELP = "Every knob goes to where it stands in this run, which is what it is compared with."
POLICY = "Policy"
POLICY_HELP = (
    "Only smartscale weighs the priorities; the others do not look at them. Parameters are typed "
    "behind the name, as `hpa:target=0.5`."
)
PARAMETERS_OF = "Parameters of {policy}"
BASELINE = "Compare with"
BASELINE_HELP = (
    "Under the scenario as it was before any knob was turned: smartscale weighs by its priorities."
)
PRIORITIES = "Priorities"
PRESET = "Start from"
WEIGHTS = {
    "w_latency": "Latency α", "w_utilisation": "Utilisation β", "w_cost": "Cost γ",
    "w_reliability": "Reliability δ", "w_carbon": "Carbon",
}  # fmt: skip
WEIGHTS_HELP = "Only ratios matter: the weights are scaled to sum to 1."
WEIGHTS_IDLE = "{policy} does not weigh priorities, so these change nothing of what it does."
ACTIONS = "Beside the number of workers, choose"
SWITCHES = {"vertical": "Worker sizes", "routing": "Routing weights"}
SWITCHES_HELP = {
    "vertical": "Moves a pool to another size where that pays, by the same priorities.",
    "routing": "Sends more to the pools that serve an agent type better, by the same priorities.",
}
SWITCHES_IDLE = {
    "vertical": "No agent type here has several sizes; the preset worker-sizes has.",
    "routing": "Requests are not routed by weights here; in the preset two-regions they are.",
}
SAVE_WEIGHTS = "Save these"
SAVE_NAME = "Name"
SAVE_GO = "Save priorities"
LIMITS = "Promises and limits"
SLO_S = "SLO latency (s)"
SLO_FRAC = "SLO attainment (%)"
STARTUP = "Mean start-up (s)"
BUDGET = "Budget (USD/h)"
WORKERS_MAX = "Most workers"
NONE = "none"
CARBON = "Carbon"
CARBON_THRESHOLD = "No growth above (g/kWh)"
CARBON_HELP = "Where the grid is dirtier, nothing that raises emissions is done. Empty: never."
CARBON_PERCENTILE = "Or above percentile"
CARBON_PERCENTILE_HELP = (
    "Of the whole history of each region's own grid: at 90, nothing grows there in its dirtiest "
    "tenth. Empty: as many g/kWh as stand beside it."
)
CARBON_PERCENTILE_IDLE = "A grid here has the same intensity all the time, so no percentiles."
CARBON_ABOVE = "The grid{region} is above {threshold} g/kWh for {share} of this window."
CARBON_NEVER = "No threshold is set; the grid{region} lies between {low} and {high} g/kWh."
CARBON_AXIS = "Grid (g/kWh)"
CARBON_ALT = "Carbon intensity of the grid{region} over the window, {low} to {high} g/kWh"

RESULT = "What would have happened"
PREVIEW_BADGE = ":orange-badge[:material/blur_on: preview]"
FULL_BADGE = ":green-badge[:material/check: every request replayed]"
PREVIEW_NOTE = "From {share} of the window, {requests}; both sides on the same parts. {whole}"
PREVIEW_COMING = "The replay of every request replaces it."
PREVIEW_LEFT = "Not every request was replayed."
WORKING = "Replaying every request"
GLANCING = "Making a preview"
CANCEL = "Stop"
STOPPED = "Stopped. Turn a knob or replay to go on."
AGAIN = "Replay"
NOISE = "Beyond the noise?"
NOISE_SAMPLED = "Demand is drawn here. Another seed draws anew: {varies}."
NOISE_RECORDED = (
    "The arrivals are recorded: the same under every seed. Another seed draws anew: {varies}."
)
NOISE_NOTHING = "nothing"
NOISE_GO = "Check against noise"
NOISE_HELP = "Replays both with four more seeds and compares pair by pair."
NOISE_WORKING = "Measuring the noise"
NOISE_UNKNOWN = "Whether these differences exceed the noise between seeds is not measured yet."
NOISE_MORE = "exceeds the noise"
NOISE_LESS = "inside the noise"
NOISE_COLUMNS = ("Run", "Figure", "Mean difference", "95 % interval", "Verdict")
NOISE_TITLE = (
    "Against {baseline}, over {pairs} seeds; both sides of a pair see the same requests and draws."
)
NOISE_ALT = "Differences to the baseline over several seeds, with intervals"
FRONT = "Where this lies"
FRONT_CAPTION = (
    "Every finished run of this window. On the front, no other run of the same cluster and SLO is "
    "better in both; policies that know the future and other scenarios do not count."
)
FRONT_ALT = "{up} against {across}, one mark per run of this window"
FRONT_UNMEASURED = (
    "No run of this window has both figures. Carbon is measured where every machine's power is "
    "given."
)
PLACE = "Axes"
PLACE_AXES = {
    "cost_usd": "Cost (USD)", "missed": "Missed the SLO (%)", "p95_s": "Latency p95 (s)",
    "carbon_kg": "Carbon (kg CO₂e)",
}  # fmt: skip
PLACES = {
    "Cost, SLO": ("cost_usd", "missed"), "Cost, latency": ("cost_usd", "p95_s"),
    "Carbon, SLO": ("carbon_kg", "missed"), "Cost, carbon": ("cost_usd", "carbon_kg"),
}  # fmt: skip
HERE, BASE, OTHER_FRONT, OTHER = "this", "baseline", "on the front", "another run"
ELSEWHERE, FUTURE = "another scenario", "knows the future"
SIDES = ("turned", "before")
WINDOW = "Window"
COMPARE_LINK = "Open as comparison"
TRADEOFFS_LINK = "Explore trade-offs"

BOUNDS = "How far from perfect"
BOUNDS_COLUMNS = (
    "Run", "Cost", "No policy below", "Above the bound", "Plan that knows the future",
    "Above the plan",
)  # fmt: skip
BOUNDS_UNKNOWN, BOUNDS_NO_PLAN = "not known", "none as good"
BOUNDS_AT_MOST, BOUNDS_AT_LEAST = "at most {value}", "at least {value}"
BOUNDS_ALT = (
    "Cost of each run, a bound and a plan that knows the future, at its own SLO attainment"
)
BOUNDS_CAPTION = (
    "At each run's own SLO attainment, over the whole run. No policy can pay less than the bound, "
    "even with workers that start at once; where nodes are paid for, the distance is in "
    "slot-hours. The plan knows every request beforehand and waits for real start-up times; a "
    "policy may do better than it. At most, at least: even the cheapest plan that was replayed "
    "serves more requests within the SLO than the run does."
)
IDLE_SOON = "Replayed as soon as nothing else is."
BOUNDS_GO = "Replay plans that know the future"
BOUNDS_HELP = "Seven replays of this window, from roomy to tight."
TUNED = "The tuned HPA"
TUNED_HELP = (
    "The cheapest HPA that keeps the baseline's SLO on this window, as far as a short search "
    "finds it: what any other policy should be held against."
)
TUNED_GO = "Search it"
TUNED_ADD = "Add it to the comparison"
TUNED_WORKING = "Tuning the HPA"
TUNED_COLUMNS = ("Policy", "Cost", "Against the baseline", "SLO met", "p95")
TUNED_ALT = "Cost, SLO attainment and latency of the tuned HPA on this window"
TUNED_CAPTION = "The best of {replays}{where}. On the whole window it {kept}."
TUNED_SAMPLED = " on {share} of the window, as it is large"
TUNED_KEPT, TUNED_MISSED = "keeps {slo}", "misses {slo}"
BOUNDS_WORKING = "Replaying plans that know the future"

SWEEP_INTRO = (
    "A sweep replays many settings on one trace window. Results are kept as they come: stop it, "
    "go on, or add to it; nothing is replayed twice."
)
SWEEP_NEW = "New sweep"
SWEEP_VARY = "What is varied"
SWEEP_VARY_HELP = (
    "One line each: policy.target=0.4,0.6,0.8 or slo.latency_s=10..60/6 for a grid, "
    "policy.cost=0.05..0.90 for a sample or a search."
)
SWEEP_VARY_DEFAULT = "policy.target=0.3..0.9/4\npolicy.downscale_window_s=0,120,300"
SWEEP_METHOD = "Method"
SWEEP_METHODS = {"grid": "grid", "sample": "space-filling sample", "search": "Bayesian search"}
SWEEP_SAMPLES = "Replays"
SWEEP_GO = "Start"
SWEEP_PICK = "Sweep"
SWEEP_NONE = "There are no sweeps yet."
SWEEP_EMPTY = "No point of this sweep is done yet."
SWEEP_CONTINUE = "Go on"
SWEEP_OLDER = (
    "These figures are of an older version of SmartScale, of a checkpoint or of a trace; only "
    "points that were kept whole can be opened. *Go on* replays the sweep anew."
)
SWEEP_DELETE = "Delete sweep"
SWEEP_RUNNING = "Sweeping"
SWEEP_FRONT = "Front"
SWEEP_FRONT_CAPTION = "Filled: on the front; star: the knee."
SWEEP_NO_KNEE = "Filled: on the front. It has no knee: between its ends it bends nowhere."
SWEEP_MOUSE, SWEEP_BRUSH, SWEEP_CLICK = "On the chart", "A box picks points", "A click opens a run"
SWEEP_X, SWEEP_Y = "Across", "Up"
SWEEP_PARALLEL = "All figures at once"
SWEEP_PARALLEL_CAPTION = "A line per point; drag along an axis to keep a part of it."
SWEEP_EFFECTS = "What moves what"
SWEEP_EFFECTS_CAPTION = (
    "Share of a figure's variance that one setting explains alone, whatever the others are."
)
SWEEP_CLIFFS = "Cliffs"
SWEEP_CLIFF = (
    "**{path}**: the SLO is met by {kept} of requests at {kept_at}, and by {broken} "
    "at {broken_at}."
)
SWEEP_EDGE = (
    "More exactly{others}: kept at {kept_at} ({kept}), broken at {broken_at} ({broken}), after "
    "{replays} more."
)
SWEEP_EDGE_WITH = " with {settings}"
SWEEP_CLIFFS_UNASKED = "They are looked for where SLO attainment is what has to be kept."
SWEEP_NO_CLIFF = "No step of any setting makes SLO attainment collapse."
SWEEP_POINTS = "Points"
SWEEP_PICKED = "{number} picked"
SWEEP_PICKED_NONE = "No point lies in there, so all are listed"
SWEEP_OPEN = "Open this run"
SWEEP_OPENING = "Replaying it in full"
SWEEP_BEST = "{end} {figure} with {kept}: **{policy}**, {settings} ({value})."
SWEEP_NO_BEST = "No point has {kept}."
SWEEP_UNMEASURED = "{figure} is not measured here, so no point is the best."
GOAL = "Looking for"
GOAL_HELP = "What a Bayesian search looks for, and what is named best of any sweep."
GOAL_CHEAPEST, GOAL_CLEANEST = "cheapest", "cleanest"
GOALS = {
    GOAL_CHEAPEST: "cheapest with so much SLO attainment",
    GOAL_CLEANEST: "cleanest within the budget",
}  # fmt: skip
GOAL_SLO, GOAL_SLO_OWN = "SLO attainment at least (%)", "as in the scenario"
GOAL_BUDGET = "Budget at most (USD)"
GOAL_LEAST, GOAL_MOST = "{figure} of at least {bound}", "{figure} of at most {bound}"
GOAL_ENDS = {"lowest": "Lowest", "highest": "Highest"}
SWEEP_VOLUME = "The front covers {share} of what its points span."
SWEEP_PROBLEMS = "{number} settings are impossible, such as: {what}."
KNEE, ON_FRONT, BEHIND = "knee", "on the front", "behind it"
