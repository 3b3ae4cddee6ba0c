"""Request logs of LLM services: Azure 2023/2024, BurstGPT and Mooncake."""

from engine.trace.plan import Cast, TimeUnit
from engine.trace.readers.base import Column, Reader
from engine.trace.schema import Kind

__all__ = ["AZURE_LLM", "BURSTGPT", "MOONCAKE"]

AZURE_LLM = Reader(
    format="azure_llm",
    title="Azure LLM inference trace (2023, 2024)",
    kind=Kind.REQUESTS,
    time_unit=None,
    columns=(
        Column(role="arrival", names=("timestamp",), cast=Cast.TIME),
        Column(role="input_tokens", names=("contexttokens",), cast=Cast.INTEGER),
        Column(role="output_tokens", names=("generatedtokens",), cast=Cast.INTEGER),
    ),
)

BURSTGPT = Reader(
    format="burstgpt",
    title="BurstGPT",
    kind=Kind.REQUESTS,
    time_unit=TimeUnit.S,
    columns=(
        Column(role="arrival", names=("timestamp",), cast=Cast.TIME),
        Column(role="agent_type", names=("model",), cast=Cast.TEXT),
        Column(role="input_tokens", names=("request_tokens",), cast=Cast.INTEGER),
        Column(role="output_tokens", names=("response_tokens",), cast=Cast.INTEGER),
        Column(role="service", names=("elapsed_time",), cast=Cast.NUMBER, required=False),
        Column(role="session", names=("session_id",), cast=Cast.TEXT, required=False),
    ),
    also=frozenset({"total_tokens", "log_type"}),
)

MOONCAKE = Reader(
    format="mooncake",
    title="Mooncake JSON lines",
    kind=Kind.REQUESTS,
    time_unit=TimeUnit.MS,
    columns=(
        Column(role="arrival", names=("timestamp",), cast=Cast.TIME),
        Column(role="input_tokens", names=("input_length",), cast=Cast.INTEGER),
        Column(role="output_tokens", names=("output_length",), cast=Cast.INTEGER),
    ),
    also=frozenset({"hash_ids"}),
)
