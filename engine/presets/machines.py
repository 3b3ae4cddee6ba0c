"""Machines that presets share, with the source of each number.

Prices: Google Cloud, us-central1, 30 July 2026; reserved: one-year commitment, per hour.

Power: coefficients of Cloud Carbon Footprint (repository ccf-coefficients, commit b0032d92), watts
a vCPU idle and full by CPU family, and 0.392 W a GiB of memory. Making: the same project's method,
1,000 kg CO2e a server, 44.4 kg for each 32 GiB above 16, 150 kg a GPU.
"""

from engine.scenario import NodeType, Startup, StartupKind

GPU_NODE = NodeType(
    # Eight H100 (70 W idle, our assumption; 700 W full, their design power) and 208 vCPUs of
    # Sapphire Rapids (1.036 and 4.062 W). It takes longer to come than a plain machine: our
    # assumption.
    name="a3-highgpu-8g",
    cpu_cores=208.0,
    memory_gib=1872.0,
    gpus=8,
    usd_per_hour=88.49,
    usd_per_hour_reserved=61.384,
    usd_per_hour_spot=50.6095,
    watts_idle=1509.0,
    watts_full=7179.0,
    embodied_kg=4775.0,
    provision=Startup(kind=StartupKind.LOGNORMAL, mean_s=150.0, spread_s=40.0),
)
CPU_NODE = NodeType(
    # 16 vCPUs of Cascade Lake (0.690 and 3.755 W); an eighth of a server with 128.
    name="n2-standard-16",
    cpu_cores=16.0,
    memory_gib=64.0,
    usd_per_hour=0.776944,
    usd_per_hour_reserved=0.489456,
    usd_per_hour_spot=0.36848,
    watts_idle=36.1,
    watts_full=85.2,
    embodied_kg=211.0,
)
