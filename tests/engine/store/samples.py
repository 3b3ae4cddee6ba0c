"""Tiny files of every format, written here, with what must become of them."""

import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

AZURE = b"""TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
2023-11-16 18:15:51.2224670,879,55
2023-11-16 18:15:51.5000000,91,16
"""
AZURE_2024 = b"""TIMESTAMP,ContextTokens,GeneratedTokens
2024-05-10 02:00:00.009930+02:00,2162,5
2024-05-10 02:00:00.517335+02:00,2399,6
"""
BURSTGPT = b"""Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45,GPT-4,1087,230,1317,API log
118,ChatGPT,417,276,693,Conversation log
"""
MOONCAKE = b"""{"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}
{"timestamp": 0, "input_length": 7322, "output_length": 490, "hash_ids": [0, 14]}
{"timestamp": 3000, "input_length": 100, "output_length": 1, "hash_ids": []}
"""
AGENT_SESSIONS = b"""session_id,depth,subagent_id,seq,t_s,t_raw_s,type,model,input_tokens,\
output_tokens,n_blocks,prefix_blocks_reused,api_time_s,ttft_s,think_time_s,stop,input_types,\
output_types
first,0,,0,0.0,0.0,n,opus,1000,50,16,0,5.0,,0.0,tool_use,text,text
first,1,agent_1,0,20.0,0.0,n,haiku,300,20,5,0,2.0,,0.0,tool_use,text,text
first,1,agent_1,1,30.0,10.0,n,haiku,400,20,7,5,2.0,,8.0,end_turn,text,text
first,0,,2,40.0,40.0,n,opus,1100,60,18,16,,,35.0,,text,
first,0,,3,60.0,60.0,s,opus,1200,60,19,18,4.0,1.0,20.0,end_turn,text,text
second,0,,0,0.0,0.0,n,opus,500,10,8,0,1.0,,0.0,end_turn,text,text
"""
SERVEGEN = b"""client_id,start_s,rate_rps,iat_cv,arrival_pattern,shape,scale
7,0,0.5,1,Gamma,1,2
7,600,0,0,,0,0
9,0,0.25,2,Weibull,0.7,3
9,600,1,1,Gamma,1,1
"""
TOKEN_PDFS = b"""client_id,start_s,field,value,prob
7,0,input_tokens,100,0.5
7,0,input_tokens,200,0.5
7,0,output_tokens,10,1
9,0,input_tokens,100,1
9,0,output_tokens,30,1
"""
AZURE_VM = b"""0,abc==,1.0,9.0,5.0
0,def==,10.0,30.0,20.0
300,abc==,2.0,9.0,6.0
300,def==,10.0,50.0,40.0
600,abc==,2.0,9.0,7.0
"""
BITBRAINS = (
    b"Timestamp [ms];\tCPU cores;\tCPU capacity provisioned [MHZ];\tCPU usage [MHZ];\t"
    b"CPU usage [%];\tMemory capacity provisioned [KB];\tMemory usage [KB];\t"
    b"Disk read throughput [KB/s];\tDisk write throughput [KB/s];\t"
    b"Network received throughput [KB/s];\tNetwork transmitted throughput [KB/s]\n"
    b"1376314846;\t4;\t11703.99;\t10912.0;\t93.2;\t67108864.0;\t6129274.4;\t0.1;\t20.4;\t0.0;\t1.5\n"
    b"1376315146;\t4;\t11703.99;\t10890.5;\t93.0;\t67108864.0;\t6755624.0;\t0.0;\t16.9;\t0.0;\t2.1\n"
    b"1376315746;\t4;\t11703.99;\t10434.5;\t89.1;\t67108864.0;\t8947846.4;\t0.0;\t16.4;\t0.0;\t1.2\n"
)
GOOGLE = b"""\
600000000,900000000,3418309,0,4155527081,.25,.06,.07,.002,.002,.07,0,0,.05,.1,2.5,0.01,0,0,0.1
600000000,750000000,3418309,1,4155527081,0.5,.06,.07,.002,.002,.07,0,0,.05,.1,2.5,0.01,0,0,
900000000,1200000000,3418309,0,4155527081,0.75,.06,.07,.002,.002,.07,0,0,.05,.1,,,0,0,0.1
600000000,900000000,3418314,0,329150663,1,.06,.07,.002,.002,.07,0,0,.05,.1,2.5,0.01,0,0,0.1
"""
ALIBABA = b"""m_1932,386640,41,92,,,43.04,33.08,4
m_1932,386650,43,92,,,43.04,33.08,5
m_1932,386660,101,92,,,43.05,33.09,3
m_1932,386670,47,92,,,43.06,33.10,5
m_1932,386680,43,92,,,43.06,33.10,5
m_1932,386690,43,92,,,43.06,33.10,5
m_7,386640,10,92,,,43.04,33.08,4
m_7,386650,12,92,,,43.04,33.08,5
"""
NAB = b"""timestamp,value
2014-04-10 00:04:00,94.0
2014-04-10 00:09:00,-56.5
2014-04-10 00:14:00,187.0
"""
COUNTS = b"""period,count
1998-04-30 21:30:00,2
1998-04-30 21:31:00,11
1998-04-30 21:34:00,20
"""
EIA = b"""timestamp,WND,SUN,WAT,OIL,NG,COL,NUC,OTH,avg_CI
2022-01-01 00:00:00+00:00,3494.0,17.0,3044.0,241.0,33595.0,17255.0,33745.0,722.0,340.0
2022-01-01 01:00:00+00:00,3108.0,16.0,2192.0,218.0,32806.0,17110.0,33760.0,725.0,344.0
2022-01-01 02:00:00+00:00,3628.0,16.0,1868.0,226.0,30410.0,16853.0,33760.0,723.0,337.0
2022-01-01 03:00:00+00:00,1.0,0.0,2.0,0.0,3.0,0.0,2.0,1.0,43.0
2022-01-01 04:00:00+00:00,3628.0,16.0,1868.0,226.0,30410.0,16853.0,33760.0,723.0,339.0
2022-01-01 05:00:00+00:00,3628.0,16.0,1868.0,226.0,30410.0,16853.0,33760.0,723.0,339.0
"""
EMAPS_PLAIN = b"""timestamp,carbon_intensity
2021-01-01T00:00:00Z,464.62
2021-01-01T01:00:00Z,459.98
2021-01-01T02:00:00Z,454.93
"""
EMAPS_EXPORT = """Datetime (UTC),Country,Zone name,Zone id,Carbon intensity gCO₂eq/kWh (direct),\
Carbon intensity gCO₂eq/kWh (Life cycle),Carbon-free energy percentage (CFE%),\
Renewable energy percentage (RE%),Data source,Data estimated,Data estimation method
2024-01-01 00:00:00,Germany,Germany,DE,195.1,240.5,70.1,65.2,entsoe.eu,false,
2024-01-01 01:00:00,Germany,Germany,DE,190.4,235.9,71.0,66.0,entsoe.eu,false,
2024-01-01 00:00:00,France,France,FR,20.0,40.1,97.0,30.0,entsoe.eu,false,
2024-01-01 01:00:00,France,France,FR,21.0,41.2,96.8,31.0,entsoe.eu,false,
""".encode()
EMAPS_OLDER = """Datetime (UTC),Country,Zone Name,Zone Id,Carbon Intensity gCO₂eq/kWh (direct),\
Carbon Intensity gCO₂eq/kWh (LCA),Low Carbon Percentage,Renewable Percentage,Data Source,\
Data Estimated,Data Estimation Method
2023-01-01 00:00:00,USA,California,US-CAL-CISO,180.5,210.25,55.1,40.2,eia.gov,false,
2023-01-01 01:00:00,USA,California,US-CAL-CISO,185.5,215.25,54.0,39.0,eia.gov,false,
""".encode()
PRICES = b"""machine_type,region,vcpu,ram_gb,gpu_type,gpu_count,local_ssd_gb,usd_hour,\
usd_hour_spot,usd_month,usd_month_spot,usd_month_1y,usd_month_3y
a2-highgpu-1g,us-central1,12.0,85.0,a100,1.0,0,4.0,1.0,2900.0,700.0,1800.0,1200.0
n2-standard-4,us-central1,4.0,16.0,,,0,0.2,0.05,100.0,30.0,90.0,60.0
n2-standard-4,europe-west4,4.0,16.0,,,0,,,,,,
"""
PRICE_HISTORY = b"""commit,commit_date,generated_unix,machine_type,region,usd_hour,usd_hour_spot,\
usd_month,usd_month_spot,usd_month_1y,usd_month_3y
d48,2022-02-09,,n2,us-central1,0.2,,100,,90,60
d49,2022-02-14,,n2,us-central1,0.25,0.05,100,30,90,60
d50,2022-02-14,,n2,us-central1,0.26,0.06,100,30,90,60
"""
CANONICAL = b"""arrival_s,input_tokens,output_tokens,service_s,agent_type,tenant,session,\
after_seq,think_s
0.5,10,5,1.5,large,acme,0,,
1.5,20,6,,small,,1,,
4.25,30,7,2.5,large,acme,0,0,2.25
"""
GENERIC = b"""when_ms,user,prompt_tokens,completion_tokens,region_code
1000,acme,10,20,x
3500,acme,11,21,y
2500,umbrella,12,22,x
"""


def run_length() -> bytes:
    """Bitbrains Parquet: the second row covers three intervals."""
    stamps = pa.array([1376315146000, 1376316046000], pa.timestamp("ms", "UTC"))
    return parquet(
        id=["1019", "1019"],
        timestamp=stamps,
        duration=[300_000, 900_000],
        cpu_count=pa.array([1, 1], pa.int32()),
        cpu_usage=[10.0, 4.0],
    )


def parquet(**columns: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


FORMATS: dict[str, tuple[str, bytes]] = {
    "azure_llm": ("conv.csv", AZURE),
    "burstgpt": ("burst.csv", BURSTGPT),
    "mooncake": ("chat.jsonl", MOONCAKE),
    "agent_sessions": ("agents.csv", AGENT_SESSIONS),
    "servegen": ("m_traces.csv", SERVEGEN),
    "azure_vm_cpu": ("vm.csv", AZURE_VM),
    "bitbrains": ("1.csv", BITBRAINS),
    "bitbrains_parquet": ("trace.parquet", run_length()),
    "google2011": ("part-00000.csv", GOOGLE),
    "alibaba": ("machine_usage.csv", ALIBABA),
    "nab": ("series.csv", NAB),
    "counts": ("minutes.csv", COUNTS),
    "carbon_eia": ("PJM_2022.csv", EIA),
    "carbon_emaps": ("NL_2021.csv", EMAPS_PLAIN),
    "prices_gcp": ("prices.csv", PRICES),
    "smartscale": ("own.csv", CANONICAL),
    "generic": ("mine.csv", GENERIC),
}
"""A file name and its bytes by the format that must be detected; names give nothing away."""


def as_gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def as_zstd(data: bytes) -> bytes:
    return zstandard.compress(data)


def as_parquet_of_azure() -> bytes:
    """The rows of `AZURE` as Parquet."""
    rows = [line.split(",") for line in AZURE.decode().splitlines()[1:]]
    micros = [_micros(row[0]) for row in rows]
    return parquet(
        TIMESTAMP=pa.array(micros, pa.timestamp("us")),
        ContextTokens=[int(row[1]) for row in rows],
        GeneratedTokens=[int(row[2]) for row in rows],
    )


def as_json_lines_of_azure() -> bytes:
    """The rows of `AZURE` as JSON lines."""
    names, *rows = [line.split(",") for line in AZURE.decode().splitlines()]
    return "".join(
        json.dumps({names[0]: row[0], names[1]: int(row[1]), names[2]: int(row[2])}) + "\n"
        for row in rows
    ).encode()


def _micros(stamp: str) -> int:
    hours, minutes, seconds = stamp.split(" ")[1].split(":")
    whole, _, part = seconds.partition(".")
    midnight = 1_700_092_800  # 2023-11-16 00:00 UTC
    total = midnight + int(hours) * 3600 + int(minutes) * 60 + int(whole)
    return total * 1_000_000 + int(part[:6])
