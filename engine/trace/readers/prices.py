"""Price tables of machines."""

from engine.trace.plan import Cast
from engine.trace.readers.base import Column, Reader
from engine.trace.schema import Kind

__all__ = ["GCP_PRICES"]

_OPTIONAL = (
    ("vcpu", "vcpu", Cast.NUMBER),
    ("ram_gb", "ram_gb", Cast.NUMBER),
    ("gpu_type", "gpu_type", Cast.TEXT),
    ("gpu_count", "gpu_count", Cast.INTEGER),
    ("usd_per_hour_spot", "usd_hour_spot", Cast.NUMBER),
    ("usd_per_month_1y", "usd_month_1y", Cast.NUMBER),
    ("usd_per_month_3y", "usd_month_3y", Cast.NUMBER),
)

GCP_PRICES = Reader(
    format="prices_gcp",
    title="Google Cloud machine prices, current or history",
    kind=Kind.PRICES,
    columns=(
        Column(role="machine_type", names=("machine_type",), cast=Cast.TEXT),
        Column(role="region", names=("region",), cast=Cast.TEXT),
        Column(role="usd_per_hour", names=("usd_hour",), cast=Cast.NUMBER),
        Column(role="arrival", names=("commit_date",), cast=Cast.TIME, required=False),
        *(
            Column(role=role, names=(name,), cast=cast, required=False)
            for role, name, cast in _OPTIONAL
        ),
    ),
    also=frozenset({"commit", "generated_unix", "local_ssd_gb", "usd_month", "usd_month_spot"}),
)
