"""Every word on the pages: labels, help, alternative texts; sentences are in `phrases`."""

from collections.abc import Mapping

PRODUCT = "SmartScale"
ABOUT = (
    "**SmartScale** replays recorded demand under competing autoscaling policies, request by "
    "request, and shows what each would have done, and cost."
)

# Navigation: title, icon, tooltip
NAV_START = ("Start", ":material/home:", "What this is, and a finished comparison to look at.")
NAV_TRACES = ("Traces", ":material/timeline:", "Recorded demand: load it, check it, look at it.")
NAV_FORECAST = (
    "Forecast", ":material/insights:", "What will come, how sure that is, and whom to trust."
)  # fmt: skip
NAV_CLUSTER = (
    "Cluster", ":material/dns:", "Workers, nodes, regions, prices, carbon and faults."
)  # fmt: skip
NAV_REPLAY = ("Replay", ":material/play_circle:", "Replay a trace under several policies.")
NAV_COMPARE = ("Compare", ":material/balance:", "Which policy served better, and at what cost.")
NAV_RUNS = ("Runs", ":material/history:", "All replays: compare, repeat or delete them.")
NAV_TRAINING = (
    "Training",
    ":material/model_training:",
    "Fit the learned allocator to your demand.",
)
NAV_EXPLAIN = (
    "Explain",
    ":material/psychology_alt:",
    "Why it scaled, and what else would have been.",
)
NAV_REPORT = ("Report", ":material/request_quote:", "What switching costs, saves and emits.")
NAV_CLAIMS = ("Claims", ":material/fact_check:", "Published claims beside our figures.")
SECTION_DEMAND, SECTION_WHAT_IF, SECTION_MONEY = "Demand", "What if", "Money"

# Errors
WHERE, FIX = "Where:", "How to fix it:"
OUR_FAULT_TITLE = "This page could not be shown"
OUR_FAULT = (
    "That is a fault of ours, not of your data; nothing was lost. Reload the page. If it comes "
    "back, the log of the dashboard says what happened."
)
SETUP_TITLE = "Getting ready"
SETUP_TEXT = "The first start loads the sample traces and replays one of them. It happens once."

# Start
START_TITLE = "What would another scaling policy have done to your traffic?"
START_INTRO = (
    "SmartScale replays your recorded demand, request by request, under several autoscaling "
    "policies side by side. You see which of them would have served your users better, and what "
    "it would have cost, before anything changes in production."
)
START_DEMO = "See a finished comparison"
START_OWN = "Load your own trace"
START_SAMPLE = "A sample: chat traffic that is hit by two crowds"
START_RECENT = "Your latest comparisons"
START_STEPS = (
    (
        "1 · Load a trace",
        "A CSV, JSONL or Parquet file with a time per request, or counts over time.",
    ),
    (
        "2 · Describe the cluster",
        "Start from a preset: workers, start-up time, prices, and the SLO.",
    ),
    (
        "3 · Compare policies",
        "Fixed capacity, the Kubernetes HPA, the learned SmartScale allocator, or your own.",
    ),
)

# Traces
TRACES_INTRO = "A trace is recorded demand. It never changes once it is loaded."
TRACES_STORED, TRACES_ADD = "Stored traces", "Add a trace"
TRACES_EMPTY = "No trace is stored yet. Add one to begin."
TRACES_ALT = "Stored traces with kind, rows, length and mean rate"
TRACE_PICK = "Look at"
KIND_HELP = (
    "Requests: a row per request. Sessions: requests that wait for one another (closed loop). "
    "Series: counts or utilisation over time. Carbon and prices describe regions, not demand."
)
KINDS: Mapping[str, str] = {
    "requests": "Requests",
    "sessions": "Sessions",
    "series": "Series",
    "carbon": "Carbon",
    "prices": "Prices",
}
SEVERITIES: Mapping[str, str] = {"note": "Note", "repaired": "Repaired", "refused": "Refused"}
REPORT_TITLE = "Check report"
REPORT_CLEAN = "Nothing to report: every row was taken as it is."
REPORT_ALT = "Findings of the import checks with severity, rule, row and fix"
PROFILE_TITLE = "Profile"
RATE_TITLE = "Arrivals (1/s)"
TOKENS_ALT = "Distribution of tokens and times per request"
DISPERSION_HELP = (
    "Variance of the number of arrivals per interval, divided by its mean. 1: arrivals "
    "independent of one another (Poisson). Well above 1: bursts, which need spare capacity."
)
PEAK_HELP = "Rate of the busiest interval of this length, divided by the mean rate."
TOO_SHORT = "too short"
SWING_HELP = "Mean rate of the busiest hour of the day, divided by that of the quietest."
RENAME, RENAME_LABEL, DELETE = "Rename", "New name", "Delete"
DELETE_FORCE = "Delete it although runs were made with it; they keep their results"
ADD_WAYS = ("Upload a file", "File on this machine", "Make one up")
ADD_UPLOAD_LABEL = "CSV, TSV, JSONL or Parquet, also as .gz or .zst, up to 400 MB"
ADD_PATH_LABEL = "Path of the file"
ADD_PATH_HELP = (
    "On the machine that runs the dashboard. The file is streamed, so size is no limit."
)
ADD_NAME = "Name (optional)"
ADD_NAME_HELP = "Empty: the file's name."
ADD_HOW = "Where does it come from?"
ADD_IMPORT = "Import"
ADD_PATH_EXAMPLE = "for example ~/traces/requests.csv.gz"
ADD_ANOTHER = "Add another"
GENERIC = "generic"
"""What the reader of any table is called."""
ADD_MAP = "Columns"
ADD_MAP_ON = "Say myself which column is what"
ADD_MAP_HELP = "The columns were matched by name and content. Correct them if that went wrong."
ADD_MAP_NEEDED = "The columns could not be made out by name. Say which column is what."
ADD_ROWS_ALT = "First rows of the file as they will be read"
NOT_IN_FILE, GUESS = "not in the file", "guess from the cells"
KIND, TIME_UNIT = "What a row is", "Times are in"
TIME_UNITS: Mapping[str, str] = {
    "text": "dates and times as text",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
}
ROLES: Mapping[str, str] = {
    "arrival": "Time",
    "input_tokens": "Input tokens",
    "output_tokens": "Output tokens",
    "service": "Service time",
    "think": "Wait after it (think time)",
    "agent_type": "Agent type or model",
    "tenant": "Tenant",
    "session": "Session",
    "prefix_tokens": "Repeated prefix tokens",
    "value": "Value",
    "entity": "VM or machine",
    "carbon": "Carbon intensity (g/kWh)",
    "region": "Region",
    "machine_type": "Machine type",
    "usd_per_hour": "Price (USD/h)",
    "usd_per_hour_spot": "Spot price (USD/h)",
    "usd_per_month_1y": "One-year price (USD/month)",
    "usd_per_month_3y": "Three-year price (USD/month)",
    "vcpu": "vCPUs",
    "ram_gb": "Memory (GB)",
    "gpu_type": "GPU type",
    "gpu_count": "GPUs",
}
TRACE_UNKNOWN = "The trace in this address is not in the store. Here is the newest one."
LOOK_AT_IT, REPLAY_IT = "Look at it", "Replay it"
CARBON_AXIS = "Carbon intensity (g CO₂e per kWh)"
SYNTH_KIND, SYNTH_HOURS, SYNTH_RATE = "Shape of the demand", "Length (h)", "Mean rate (1/s)"
SYNTH_SEED, SYNTH_GO = "Seed", "Make the trace"
SYNTH_KINDS: Mapping[str, str] = {
    "diurnal": "Daily wave",
    "flash-crowd": "Flash crowd",
    "growth": "Steady growth",
    "bursty": "Bursts",
    "agent-sessions": "Agent sessions (closed loop)",
}

# Replay
REPLAY_INTRO = "Choose demand, cluster and policies; every policy meets exactly the same requests."
STEP_DEMAND, STEP_CLUSTER, STEP_POLICIES = "1 · Demand", "2 · Cluster", "3 · Policies"
TRACE, WINDOW = "Trace", "Window"
WINDOW_HELP = "Only requests that arrive in this part of the trace are replayed."
PRESET = "Preset"
PRESET_HELP = "Fills in all fields below. Each number's source is in the scenario file."
POLICIES = "Policies to compare"
POLICIES_HELP = "Choose several, or type one with parameters, such as hpa:target=0.6, and Enter."
POLICIES_HOW = "Which policies there are, and their parameters"
POLICIES_ALT = "Installed policies with description and parameters"
ADVANCED = "Scenario file (TOML)"
ADVANCED_LABEL = "The whole scenario as text"
ADVANCED_USE, ADVANCED_SAVE, ADVANCED_UPLOAD = "Use this text", "Download", "Or upload a file"
ADVANCED_USE_FILE = "Use this file"
REPLAY_GO = "Replay and compare"
LOADING_REQUESTS = "loading requests"
FRESH = "Replay again even if the result is already stored"
REPLAY_NONE = "There is no demand to replay yet. Load a trace first."
CANCEL, CANCELLING = "Cancel", "Stopping…"
CANCELLED = "Cancelled. What was stored before is untouched."

# Compare
COMPARE_NONE = "Choose two or more runs to compare"
COMPARE_EMPTY = "Nothing was replayed yet."
COMPARE_CHOOSE = "Choose runs"
COMPARE_RUNS, COMPARE_BASELINE = "Runs", "Baseline"
COMPARE_RUNS_HELP = "Up to six finished replays."
COMPARE_BASELINE_HELP = "The run that the others are measured against."
COMPARE_MIXED = (
    "These runs did not meet the same demand, or not under the same scenario. Their differences "
    "are not due to the policy alone."
)
CLOSED_LOOP = (
    "Closed loop: a session's next request waits for the one before it, so slower service delays "
    "the demand itself and the policies do not see the same arrivals."
)
FIGURE = "Figure"
NO_DIFFERENCE = "no difference"
SCORECARD = "Scorecard"
SCORECARD_HELP = "What the figures mean"
SCORECARD_WINDOW = (
    "Recomputed for the chosen window. Figures that only make sense for the whole run are not "
    "measured here."
)
WINDOW_TITLE = "Arrivals: drag across the chart to look at a part"
WINDOW_RESET = "Reset window"
WHOLE_RUN = "Whole run"
CAPACITY_TITLE = "Demand against capacity"
CAPACITY_CAPTION = (
    "A slot serves one request at a time. Demand is the work that arrived; where it rises above "
    "ready capacity, requests wait."
)
LATENCY_TITLE = "Request latency over time"
LATENCY_CAPTION = "By time of arrival, merged from histograms of every request, within 1 %."
PERCENTILE, LOG_SCALE = "Percentile", "Logarithmic axis"
QUEUE_TITLE, QUEUE_AXIS = "Requests waiting", "Waiting requests (highest)"
QUEUE_CAPTION = "Requests that have arrived and wait for a free slot."
FAILURES_TITLE, FAILURES_AXIS = "Failures", "Failed requests (1/s)"
FAILURES_CAPTION = "Queue and execution time-outs, rejections and losses, by time of failure."
COST_TITLE, COST_AXIS = "Cost", "Cost rate (USD/h)"
COST_CAPTION = "Price of all provisioned workers: starting, ready and draining."
ACTIONS_TITLE = "Scaling actions"
ACTIONS_ALT = "Decisions of this run that changed the number of workers"
DATA, DATA_ALT, DOWNLOAD = "Data behind this chart", "Rows behind the chart", "Download CSV"

BASELINE_BADGE = ":gray-badge[baseline]"
ACTIONS_NONE = "The number of workers never changed in this window."
GO_REPLAY, GO_TRACES = "Replay a trace", "Add a trace"
REPLAY_READY = "Your replay is ready"

# Runs
RUNS_INTRO = "Every replay is kept until you delete it. Select rows to act on them."
RUNS_EMPTY = "Nothing was replayed yet."
RUNS_ALT = "Saved replays with policy, trace, status and main figures"
RUNS_AGAIN_DONE = "Replayed again; the figures are up to date."
NOTE = "Note:"
RUNS_COMPARE, RUNS_AGAIN, RUNS_DELETE = "Compare", "Start again", "Delete"
STATUSES: Mapping[str, str] = {
    "done": "Done",
    "running": "Running",
    "interrupted": "Interrupted",
    "cancelled": "Cancelled",
    "failed": "Failed",
}

# Report
REPORT_RUNS_MIN = 2
REPORT_INTRO = (
    "A report says what switching from one policy to another costs, saves and emits over years, "
    "on which assumptions, and how sure that is. Choose a baseline and at least one other run of "
    "the same demand."
)
REPORT_RECENT = "Report on your latest comparisons"
REPORT_CANDIDATE = "Switch to"
REPORT_CANDIDATE_HELP = "The run whose policy would replace the baseline's."
REPORT_COMPARE = "Compare these runs"
REPORT_ASSUMPTIONS = "Assumptions"
REPORT_ASSUMPTIONS_HELP = (
    "Everything that the replay did not measure. Change a value or its plausible range: the "
    "report follows at once. Money here is in US dollars."
)
REPORT_RESET = "Back to the defaults"
REPORT_MODE = "Machines are"
REPORT_MODES: Mapping[str, str] = {"rented": "Rented", "owned": "Owned"}
REPORT_MODE_HELP = (
    "Rented: prices per hour include the energy. Owned: machines are bought for the peak, and "
    "their energy is paid for."
)
REPORT_CURRENCY = "Currency"
REPORT_CURRENCY_HELP = "Of the report; other currencies than US dollars need an exchange rate."
REPORT_RATE = "Exchange rate"
REPORT_YEARS = "Horizon (years)"
REPORT_GROUP, REPORT_ASSUMPTION, REPORT_VALUE, REPORT_UNIT = "Group", "Assumption", "Value", "Unit"
REPORT_DEFAULT, REPORT_CHANGED = "Default", "Changed:"
REPORT_LOW, REPORT_HIGH, REPORT_SOURCE, REPORT_MEANING = "Low", "High", "Source", "Meaning"
REPORT_FILES = "Take it with you"
REPORT_REVIEW, REPORT_REVIEWER = "Add a review", "Reviewer"
REPORT_REVIEW_TEXT = "What you have to say of it"
REPORT_REVIEW_HELP = "Printed in the files below, under your name. Both fields are needed."
REPORT_FILES_HELP = (
    "PDF for print, Excel with live formulas, HTML that opens offline, CSV and JSON with every "
    "value, FOCUS for cost tools. The same runs, seeds and assumptions give the "
    "same file."
)

# Claims
CLAIMS_INTRO = (
    "Papers on learned scaling promise a lot. Here is each headline claim beside what we find: a "
    "figure from stored runs, or what follows by arithmetic from other numbers of the same "
    "document. The published numbers are quoted; verdicts are computed."
)
CLAIMS_VERDICT = "Show only"
CLAIMS_ALT = "Claims with published figure, our figure, interval, verdict and conditions"
CLAIMS_BEHIND = "Runs behind the figures"
CLAIMS_RUNS = "This command makes the runs that are missing:"
