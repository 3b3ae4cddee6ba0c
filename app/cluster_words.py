"""Words of the page *Cluster*."""

from collections.abc import Mapping

from app import formats, phrases
from engine.cluster.standing import Standing
from engine.manifests import Deployed
from engine.scenario import Fault, FaultKind
from engine.scenario.faults import INSTANT

INTRO = (
    "Describe the cluster that a trace is replayed on. Every change is checked at once; one that "
    "cannot be is explained beside its field, and the last good scenario stays in use."
)
START_FROM = "Start from"
START_FROM_HELP = "Replaces everything below. Each number's source is in the scenario file."
OWN = "my own"
SECTION = "Part of the scenario"
REPLAY = "Replay on this cluster"
REPLAY_HELP = "Opens the page Replay with this scenario."
SAVE = "Save"
SAVE_HELP = "Keeps the last good scenario under its name; see Name in SLO, replay."
EXPORT, IMPORT = "Export", "Import"
EXPORT_HELP = "Take the last good scenario with you."
TOML, TOML_HELP = "Scenario file (TOML)", "For the command line: smartscale replay --scenario."
YAML, YAML_HELP = (
    "Kubernetes manifests (YAML)",
    (
        "A Deployment and a HorizontalPodAutoscaler for each pool, and a ConfigMap that keeps the "
        "scenario, so that they can be imported again."
    ),
)
POLICY, POLICY_HELP = (
    "Policy of the autoscalers",
    ("hpa with its parameters, or static:workers=N for a fixed number of workers."),
)
IMPORT_LABEL = "Scenario (.toml) or Kubernetes manifests (.yaml), up to 1 MB"
IMPORT_USE = "Use this file"
STANDING_TITLE = "Idle cluster"
STANDING_HELP = (
    "What stands at the least: the fewest workers of each pool, on as few nodes as they need, "
    "with nothing to do."
)
WORKERS, NODES, MONEY = "Workers", "Nodes", "Cost (USD/h)"
POWER, CARBON = "Power (W)", "CO₂e (g/h)"
NOT_KNOWN = "not known"
NOT_KNOWN_HELP = "Not known until every machine has its power; see Power full."
POWER_HELP = "Of the sites: power of all idle machines times PUE."
CARBON_HELP = "At the mean intensity of each region's grid."
MONEY_HELP = "Rent or purchase, and the energy of owned nodes."
REMOVE = "Remove"
REMOVE_HELP = "What others refer to stays until they change."
NONE_YET = "None yet."
ADD_HELP = "One like the last."
NOT_USED = "Not used here"
AGENT_TYPE = "Agent type"
FAULTS_TITLE = "Timeline"
FAULTS_ALT = "Faults over time by kind and place"
FAULTS_NONE = "No fault is planned."
FAULTS_CAPTION = (
    "Time counts from the start of the replayed window. Bars last; diamonds are moments."
)
FAULTS_PICK = "Fault to move"
FAULTS_LASTS, FAULTS_AT = "From and to (minutes)", "At (minutes)"
FAULTS_MOVE_HELP = "Along the axis above; the table below says the same in seconds."


EVERYWHERE = "everywhere"
FAULT_KINDS: Mapping[FaultKind, str] = {
    FaultKind.WORKER_CRASH: "Worker crash",
    FaultKind.NODE_LOSS: "Node loss",
    FaultKind.ZONE_PARTITION: "Zone cut off",
    FaultKind.SLOW_WORKER: "Slow workers",
    FaultKind.TOOL_OUTAGE: "Tool outage",
    FaultKind.START_FAILURE: "Starts fail",
    FaultKind.METRIC_LOSS: "Metrics lost",
    FaultKind.METRIC_DELAY: "Metrics late",
    FaultKind.SPOT_REVOCATION: "Spot revocation",
    FaultKind.GRID_OUTAGE: "Grid outage",
}


def add(noun: str) -> str:
    """Label of the button for one more entry."""
    article = "an" if noun[0] in "aeiou" else "a"
    return f"Add {article} {noun}"


def remove(name: str) -> str:
    """Label of the button that removes an entry."""
    return f"Remove {name}"


def save_as(name: str) -> str:
    """Label of the button that keeps a scenario."""
    return f"Save as {name}"


def forget(name: str) -> str:
    """Label of the button that forgets a saved scenario."""
    return f"Delete {name}"


def labelled(label: str, owner: str) -> str:
    """Of an input that stands in a table: what it is, and whose."""
    return f"{label} of {owner}"


def unused(wrong: Mapping[str, str]) -> str:
    """That some edits are not in the scenario: where they are, by section."""
    places = formats.listed([f"{what} (in {section})" for what, section in wrong.items()])
    return f"Not in the scenario yet: {phrases.escaped(places)}."


def metrics(idle: Standing) -> list[tuple[str, str, str]]:
    """Label, value and help of what the idle cluster is and takes."""
    return [
        (WORKERS, formats.whole(idle.workers), STANDING_HELP),
        (NODES, formats.whole(idle.nodes), STANDING_HELP),
        (MONEY, formats.usd(idle.usd_per_hour), MONEY_HELP),
        (POWER, *_known(idle.watts, POWER_HELP)),
        (CARBON, *_known(idle.carbon_g_per_hour, CARBON_HELP)),
    ]


def _known(value: float | None, meaning: str) -> tuple[str, str]:
    return (NOT_KNOWN, NOT_KNOWN_HELP) if value is None else (formats.amount(value), meaning)


def fault_row(fault: Fault) -> str:
    """Kind and place of a fault: its row on the timeline."""
    place = "" if fault.kind is FaultKind.TOOL_OUTAGE else f" · {fault.where or EVERYWHERE}"
    return f"{FAULT_KINDS[fault.kind]}{place}"


def fault(fault: Fault) -> str:
    """What a fault does, when and for how long."""
    begin = f"{fault_row(fault)}: at {formats.duration(fault.at_s)}"
    if fault.kind in INSTANT:
        return f"{begin}, {formats.count(fault.count, _unit_of(fault.kind))}"
    return f"{begin} for {formats.duration(fault.for_s)}"


def _unit_of(kind: FaultKind) -> str:
    return "worker" if kind is FaultKind.WORKER_CRASH else "node"


def imported(found: Deployed) -> list[str]:
    """What to say of manifests that were imported: the policy, and what a replay leaves out."""
    return [
        f"The page Replay compares their policy now: {found.policy}.",
        *(f"{note}." for note in found.notes),
    ]
