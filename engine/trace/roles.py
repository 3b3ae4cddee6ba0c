"""The canonical columns a mapping can fill: their kind, their cells and the names they go by."""

from dataclasses import dataclass

from engine.trace.plan import Cast
from engine.trace.schema import Kind

__all__ = ["ROLES", "Role", "role_of"]

_DEMAND = frozenset({Kind.REQUESTS, Kind.SESSIONS})
_SERIES = frozenset({Kind.SERIES})
_CARBON = frozenset({Kind.CARBON})
_PRICES = frozenset({Kind.PRICES})
_TIMED = _DEMAND | _SERIES | _CARBON | _PRICES


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One canonical column."""

    name: str
    cast: Cast
    kinds: frozenset[Kind]
    """Kinds of trace that have it."""
    decides: Kind | None = None
    """Kind that this column alone implies."""
    synonyms: tuple[str, ...] = ()
    """Normalised column names that mean this, best first."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ROLES: dict[str, Role] = {
    role.name: role
    for role in (
        Role(name="arrival", cast=Cast.TIME, kinds=_TIMED, synonyms=_words(
            "arrival arrival_time arrival_s arrived_at arrival_ts timestamp time ts datetime "
            "date_time datetime_utc time_stamp start_time starttime start_s request_time "
            "event_time created_at created period date t t_s time_s timestamp_ms ts_ms "
            "timestamp_us arrival_ms commit_date")),
        Role(name="input_tokens", cast=Cast.INTEGER, kinds=_DEMAND, decides=Kind.REQUESTS,
             synonyms=_words(
            "input_tokens prompt_tokens contexttokens context_tokens request_tokens input_length "
            "prompt_length prompt_len input_len num_prefill_tokens prefill_tokens "
            "n_prompt_tokens tokens_in prompt input")),
        Role(name="output_tokens", cast=Cast.INTEGER, kinds=_DEMAND, decides=Kind.REQUESTS,
             synonyms=_words(
            "output_tokens completion_tokens generatedtokens generated_tokens response_tokens "
            "output_length response_length output_len num_decode_tokens decode_tokens "
            "n_generated_tokens tokens_out completion output")),
        Role(name="service", cast=Cast.NUMBER, kinds=_DEMAND, decides=Kind.REQUESTS,
             synonyms=_words(
            "service service_s service_time service_ms service_time_s service_time_ms duration "
            "duration_s duration_ms execution_time execution_time_s execution_time_ms "
            "elapsed elapsed_s elapsed_ms elapsed_time api_time api_time_s")),
        Role(name="think", cast=Cast.NUMBER, kinds=_DEMAND, decides=Kind.SESSIONS,
             synonyms=_words("think think_s think_time think_time_s think_ms think_time_ms")),
        Role(name="agent_type", cast=Cast.TEXT, kinds=_DEMAND, synonyms=_words(
            "agent_type model model_name agent function")),
        Role(name="tenant", cast=Cast.TEXT, kinds=_DEMAND, synonyms=_words(
            "tenant tenant_id user user_id customer customer_id client client_id app app_id")),
        Role(name="session", cast=Cast.TEXT, kinds=_DEMAND, synonyms=_words(
            "session session_id conversation conversation_id chat_id thread_id")),
        Role(name="prefix_tokens", cast=Cast.INTEGER, kinds=_DEMAND, synonyms=_words(
            "prefix_tokens cached_tokens cache_read_tokens")),
        Role(name="value", cast=Cast.NUMBER, kinds=_SERIES, decides=Kind.SERIES, synonyms=_words(
            "value count requests invocations request_count rps requests_per_s cpu cpu_percent "
            "cpu_util_percent cpu_utilization avg_cpu cpu_usage cpu_usage_mhz utilization usage "
            "load rate hits")),
        Role(name="entity", cast=Cast.TEXT, kinds=_SERIES, synonyms=_words(
            "entity vm vm_id machine machine_id host host_id instance instance_id node node_id "
            "server id")),
        Role(name="carbon", cast=Cast.NUMBER, kinds=_CARBON, decides=Kind.CARBON,
             synonyms=_words(
            "carbon carbon_intensity g_per_kwh avg_ci carbon_g_per_kwh gco2_kwh gco2eq_kwh "
            "gco2_per_kwh gco2eq_per_kwh co2_intensity ci moer intensity")),
        Role(name="region", cast=Cast.TEXT, kinds=_CARBON | _PRICES, synonyms=_words(
            "region zone zone_id zone_key zone_name location area balancing_authority country")),
        Role(name="machine_type", cast=Cast.TEXT, kinds=_PRICES, synonyms=_words(
            "machine_type instance_type instance machine type sku")),
        Role(name="usd_per_hour", cast=Cast.NUMBER, kinds=_PRICES, decides=Kind.PRICES,
             synonyms=_words(
            "usd_per_hour usd_hour price_per_hour hourly_price price_usd_hour on_demand_usd_hour "
            "on_demand ondemand_price price_usd price")),
        Role(name="usd_per_hour_spot", cast=Cast.NUMBER, kinds=_PRICES, synonyms=_words(
            "usd_per_hour_spot usd_hour_spot spot_usd_hour spot_price spot")),
        Role(name="usd_per_month_1y", cast=Cast.NUMBER, kinds=_PRICES, synonyms=_words(
            "usd_per_month_1y usd_month_1y")),
        Role(name="usd_per_month_3y", cast=Cast.NUMBER, kinds=_PRICES, synonyms=_words(
            "usd_per_month_3y usd_month_3y")),
        Role(name="vcpu", cast=Cast.NUMBER, kinds=_PRICES, synonyms=_words(
            "vcpu vcpus cpu cpus cores")),
        Role(name="ram_gb", cast=Cast.NUMBER, kinds=_PRICES, synonyms=_words(
            "ram_gb memory_gb ram memory_gib memory")),
        Role(name="gpu_type", cast=Cast.TEXT, kinds=_PRICES, synonyms=_words(
            "gpu_type gpu accelerator")),
        Role(name="gpu_count", cast=Cast.INTEGER, kinds=_PRICES, synonyms=_words(
            "gpu_count gpus accelerators")),
    )
}  # fmt: skip
"""By name, which is also what `--map` calls them."""

_ALIASES = {"time": "arrival", "timestamp": "arrival", "t": "arrival", "service_s": "service",
            "think_s": "think", "model": "agent_type", "g_per_kwh": "carbon"}  # fmt: skip


def role_of(name: str) -> Role | None:
    """The role a mapping means, its aliases included; None if there is none."""
    return ROLES.get(_ALIASES.get(name, name))
