"""Fields of the guard and of people's holds: what may never happen, whatever a policy proposes."""

from app.cluster_fields.base import Field, Part, Plain, Type


def _has_floor(entry: Plain) -> bool:
    return entry["slo_quantile"] is not None


def _is_paced(entry: Plain) -> bool:
    return entry["out_workers"] is not None or entry["in_workers"] is not None


GUARD = Part(
    key="guard",
    title="Guard",
    noun="guard",
    help="Constraints between what a policy proposes and what is applied. Limits of the pools and "
    "the room on their nodes hold always.",
    many=False,
    switch="Guard every policy",
    fields=(
        Field(
            path="slo_quantile",
            label="Floor for this forecast quantile",
            unit="0.5 to 0.99",
            optional=True,
            empty="no floor",
            help="Never fewer workers than this quantile of the forecast demand takes.",
            group="Promises and carbon",
        ),
        Field(
            path="slo_busy_frac",
            label="Slots in use at that demand",
            unit="share 0 to 1",
            help="The lower, the more room the floor leaves.",
            used=_has_floor,
        ),
        Field(
            path="carbon_soft_g_per_kwh",
            label="Band below the carbon threshold",
            unit="g/kWh",
            help="Over which growth shrinks to nothing; the threshold is in SLO, replay. "
            "0: growth stops at the threshold only.",
        ),
        Field(
            path="out_workers",
            label="Most workers added",
            unit="per period",
            type=Type.WHOLE,
            optional=True,
            empty="no limit",
            help="To each pool.",
            group="Pace and money",
        ),
        Field(
            path="in_workers",
            label="Most workers removed",
            unit="per period",
            type=Type.WHOLE,
            optional=True,
            empty="no limit",
            help="From each pool.",
        ),
        Field(
            path="period_s",
            label="Period",
            unit="s",
            help="Over which added and removed workers are counted.",
            used=_is_paced,
        ),
        Field(
            path="cooldown_out_s",
            label="Cooldown out",
            unit="s",
            help="After a step out before the next one. 0: none.",
        ),
        Field(
            path="cooldown_in_s",
            label="Cooldown in",
            unit="s",
            help="After any step before a step in. 0: none.",
        ),
        Field(
            path="budget_usd_per_hour",
            label="Budget",
            unit="USD/h",
            optional=True,
            empty="no limit",
            help="All workers together; growth beyond it is cut.",
        ),
    ),
)

HOLDS = Part(
    key="guard.holds",
    title="Holds",
    noun="hold",
    help="A person's order: a pool keeps a size for a while, whatever the policy proposes.",
    entries_down=True,
    fields=(
        Field(path="pool", label="Pool", type=Type.NAME, names_of="pools", help="Which is held."),
        Field(path="at_s", label="From", unit="s", help="Into the window."),
        Field(path="for_s", label="For", unit="s", help="So long."),
        Field(
            path="workers",
            label="Workers",
            type=Type.WHOLE,
            optional=True,
            empty="as it is",
            help="Empty: the size that the pool has when the hold begins.",
        ),
        Field(
            path="why",
            label="Why",
            type=Type.TEXT,
            optional=True,
            empty="not said",
            help="Logged with the decisions that it binds; the page Explain shows it.",
        ),
    ),
)
