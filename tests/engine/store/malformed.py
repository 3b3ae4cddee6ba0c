"""Files that cannot become a trace, each wrong in one way; made, never stored."""

import bz2
import gzip
import io
import json
import lzma
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import zstandard

AZURE = b"TIMESTAMP,ContextTokens,GeneratedTokens\n"
BURST = b"Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
SESSIONS = b"session_id,depth,subagent_id,seq,t_s,input_tokens,output_tokens,api_time_s\n"
WINDOWS = b"client_id,start_s,rate_rps,iat_cv,arrival_pattern,shape,scale\n"
BITBRAINS = b"Timestamp [ms];\tCPU cores;\tCPU usage [MHZ]\n"


def azure_rows(count: int, first_minute: int = 0) -> bytes:
    """Good rows, one a second."""
    return b"".join(
        b"2023-11-16 18:%02d:%02d.5000000,%d,%d\n" % (first_minute + n // 60, n % 60, 100 + n, 10)
        for n in range(count)
    )


def minutes(values: list[object], start: int = 0) -> bytes:
    """Good rows of a series, one a minute."""
    return b"".join(
        b"1998-05-01 %02d:%02d:00,%s\n" % (n // 60, n % 60, str(value).encode())
        for n, value in enumerate(values, start)
    )


def jsonl(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def mooncake(**change: object) -> dict[str, object]:
    return {"timestamp": 0, "input_length": 5, "output_length": 6, "hash_ids": [1]} | change


def parquet(**columns: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def zipped() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("trace.csv", AZURE + azure_rows(3))
    return sink.getvalue()


def arrow() -> bytes:
    sink = io.BytesIO()
    pyarrow.feather.write_feather(pa.table({"a": [1]}), sink)
    return sink.getvalue()


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def garbled(data: bytes, at: int, count: int) -> bytes:
    return data[:at] + b"\xff" * count + data[at + count :]


GOOD = AZURE + azure_rows(300)
GZ = gzip.compress(GOOD, mtime=0)
ZST = zstandard.compress(GOOD)
PARQUET = parquet(ts=[0.0, 1.0, 2.0], input_tokens=[1, 2, 3])
FOOTER = len(PARQUET) - 8 - int.from_bytes(PARQUET[-8:-4], "little")
TRUNCATED_ARRAY = json.dumps([mooncake(), mooncake(timestamp=1)]).encode()[:-20]

CONTENT: dict[str, tuple[str, bytes]] = {
    # Physical faults.
    "empty": ("a.csv", b""),
    "blank_lines_only": ("a.csv", b"\n \n\t\n"),
    "byte_order_mark_only": ("a.csv", b"\xef\xbb\xbf"),
    "gzip_cut_in_half": ("a.csv.gz", GZ[: len(GZ) // 2]),
    "gzip_without_its_trailer": ("a.csv.gz", GZ[:-4]),
    "gzip_with_a_wrong_checksum": ("a.csv.gz", flipped(GZ, len(GZ) - 6)),
    "gzip_magic_then_noise": ("a.csv.gz", b"\x1f\x8b" + bytes(range(200))),
    "gzip_of_nothing": ("a.csv.gz", gzip.compress(b"")),
    "gzip_of_parquet": ("a.parquet.gz", gzip.compress(PARQUET)),
    "zstd_cut_in_half": ("a.csv.zst", ZST[: len(ZST) // 2]),
    "zstd_with_a_wrong_byte": ("a.csv.zst", flipped(ZST, 40)),
    "zstd_followed_by_noise": ("a.csv.zst", ZST + b"noise at the end"),
    "zip": ("a.zip", zipped()),
    "bzip2": ("a.csv.bz2", bz2.compress(GOOD)),
    "xz": ("a.csv.xz", lzma.compress(GOOD)),
    "picture": ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(64)),
    "pdf": ("a.pdf", b"%PDF-1.7\nstream"),
    "sqlite": ("a.db", b"SQLite format 3\x00" + bytes(100)),
    "arrow_file": ("a.arrow", arrow()),
    "utf16_with_mark": ("a.csv", GOOD.decode().encode("utf-16")),
    "utf16_without_mark": ("a.csv", GOOD.decode().encode("utf-16-be")),
    "latin1": ("a.csv", BURST + "5,Café,472,18,490,x\n".encode("latin-1")),
    "character_cut_at_the_end": ("a.csv", AZURE + azure_rows(3) + "é".encode()[:1]),
    "zero_byte": ("a.csv", AZURE + azure_rows(3) + b"2023-11-16 18:20:00,\x001,2\n"),
    "parquet_cut_off": ("a.parquet", PARQUET[: len(PARQUET) - 50]),
    "parquet_magic_only": ("a.parquet", b"PAR1"),
    "parquet_with_a_wrong_footer": ("a.parquet", garbled(PARQUET, FOOTER, 40)),
    "parquet_with_a_wrong_page": ("a.parquet", garbled(PARQUET, 4, 60)),
    # No table.
    "header_only": ("a.csv", AZURE),
    "header_only_gzip": ("a.csv.gz", gzip.compress(AZURE)),
    "one_column": ("a.csv", b"TIMESTAMP\n2023-11-16 18:15:46\n2023-11-16 18:15:47\n"),
    "unknown_delimiter": ("a.csv", b"ts^tokens\n1^2\n2^3\n"),
    "prose": ("a.txt", b"Dear operator,\nthis is not a trace.\nRegards\n"),
    "web_page": ("a.csv", b"<!doctype html>\n<html><body>404 Not found</body></html>\n"),
    "yaml": ("a.yml", b"---\nabout:\n  generated: today\ncompute:\n  a2: 1\n"),
    "only_names": ("a.csv", b"name,town\nAda,London\nAlan,Wilmslow\n"),
    "json_of_one_nested_object": ("a.json", b'{"id": "x", "requests": [{"t": 0}]}'),
    "json_lines_of_numbers": ("a.jsonl", b'{"timestamp": 1}\n2\n'),
    "json_line_broken": ("a.jsonl", jsonl(mooncake()) + b'{"timestamp": \n'),
    "json_line_broken_late": ("a.jsonl", jsonl(*[mooncake()] * 300) + b'{"timestamp": \n'),
    "json_array_cut_off": ("a.json", TRUNCATED_ARRAY),
    "json_array_of_numbers": ("a.json", b"[1, 2, 3]"),
    "json_empty_array": ("a.json", b"[]"),
    "parquet_without_rows": ("a.parquet", parquet(ts=pa.array([], pa.float64()))),
    # Rows of the wrong shape.
    "row_too_long": ("a.csv", AZURE + azure_rows(3) + b"2023-11-16 18:20:00,1,2,3\n"),
    "row_too_short": ("a.csv", AZURE + azure_rows(3) + b"2023-11-16 18:20:00,1\n"),
    "row_too_long_late": ("a.csv", GOOD + b"2023-11-16 18:30:00,1,2,3\n"),
    "quote_not_closed": ("a.csv", AZURE + azure_rows(3) + b'2023-11-16 18:20:00,"1,2\n'),
    "text_after_a_quote": ("a.csv", AZURE + azure_rows(3) + b'2023-11-16 18:20:00,"1"x,2\n'),
    # Cells of requests.
    "text_for_tokens": ("a.csv", AZURE + azure_rows(3) + b"2023-11-16 18:20:00,many,2\n"),
    "text_for_tokens_late": ("a.csv", GOOD + b"2023-11-16 18:30:00,many,2\n"),
    "decimal_comma_for_tokens": ("a.csv", AZURE + azure_rows(3) + b'2023-11-16 18:20,"1,5",2\n'),
    "text_for_a_time": ("a.csv", AZURE + azure_rows(3) + b"yesterday,1,2\n"),
    "impossible_date": ("a.csv", AZURE + azure_rows(3) + b"2023-02-30 10:00:00,1,2\n"),
    "day_first_dates": ("a.csv", AZURE + b"16/11/2023 18:15,1,2\n17/11/2023 18:15,1,2\n"),
    "no_time": ("a.csv", AZURE + azure_rows(3) + b",1,2\n"),
    "no_time_late": ("a.csv", GOOD + b",1,2\n"),
    "negative_tokens": ("a.csv", AZURE + azure_rows(3) + b"2023-11-16 18:20:00,-1,2\n"),
    "absurd_tokens": ("a.csv", AZURE + azure_rows(3) + b"2023-11-16 18:20:00,1,20000000\n"),
    "tokens_beyond_any_integer": ("a.csv", AZURE + azure_rows(3) + b"2023-11-16 18:20,1e12,2\n"),
    "undefined_tokens": ("a.csv", AZURE + azure_rows(3) + b"2023-11-16 18:20:00,nan,2\n"),
    "time_of_1970": ("a.csv", AZURE + b"1970-01-01 00:00:00,1,2\n" + azure_rows(3)),
    "time_of_2999": ("a.csv", AZURE + azure_rows(3) + b"2999-01-01 00:00:00,1,2\n"),
    "clock_jump_of_years": ("a.csv", AZURE + azure_rows(3) + b"2025-11-16 18:20:00,1,2\n"),
    "infinite_time": ("a.csv", BURST + b"5,m,1,2,3,x\ninf,m,1,2,3,x\n"),
    "undefined_time": ("a.csv", BURST + b"5,m,1,2,3,x\nnan,m,1,2,3,x\n"),
    "negative_time": ("a.csv", BURST + b"-5,m,1,2,3,x\n6,m,1,2,3,x\n"),
    "unix_time_of_0_among_others": (
        "a.csv", b"ts,input_tokens\n1700000000,5\n0,6\n1700000002,7\n",
    ),
    "negative_service": ("a.csv", b"ts,service_s\n1,2.5\n2,-1\n"),
    "undefined_service": ("a.csv", b"ts,service_s\n1,2.5\n2,nan\n"),
    "service_of_months": ("a.csv", b"ts,service_s\n1,2.5\n2,9999999\n"),
    "json_text_for_tokens": ("a.jsonl", jsonl(mooncake(), mooncake(input_length="many"))),
    "json_list_for_tokens": ("a.jsonl", jsonl(mooncake(), mooncake(input_length=[1]))),
    "json_without_a_time": ("a.jsonl", jsonl(mooncake(), mooncake(timestamp=None))),
    "parquet_negative_tokens": ("a.parquet", parquet(ts=[0.0, 1.0], input_tokens=[1, -2])),
    "parquet_text_for_tokens": (
        "a.parquet",
        parquet(timestamp=[0, 1000], input_length=["5", "many"], output_length=[1, 2]),
    ),
    # Sessions and client windows.
    "session_without_a_name": ("a.csv", SESSIONS + b"a,0,,0,0,5,6,1\n,0,,1,9,5,6,1\n"),
    "session_with_negative_service": ("a.csv", SESSIONS + b"a,0,,0,0,5,6,1\na,0,,1,9,5,6,-1\n"),
    "session_without_a_time": ("a.csv", SESSIONS + b"a,0,,0,0,5,6,1\na,0,,1,,5,6,1\n"),
    "waits_for_a_later_request": ("a.csv", b"arrival_s,after_seq,think_s\n0,,\n1,2,1\n2,,\n"),
    "waits_for_itself": ("a.csv", b"arrival_s,after_seq,think_s\n0,,\n1,1,1\n"),
    "waits_in_unsorted_rows": ("a.csv", b"arrival_s,after_seq,think_s\n5,,\n1,0,1\n"),
    "window_with_a_negative_rate": ("a_traces.csv", WINDOWS + b"0,0,-1,1,Gamma,1,1\n"),
    "window_of_an_unknown_pattern": ("a_traces.csv", WINDOWS + b"0,0,1,1,Pareto,1,1\n"),
    "windows_without_requests": ("a_traces.csv", WINDOWS + b"0,0,0,0,,0,0\n0,600,0,0,,0,0\n"),
    "token_distributions": ("a.csv", b"client_id,start_s,field,value,prob\n0,0,x,5,1\n"),
    # Series, carbon and prices.
    "single_reading": ("a.csv", b"period,count\n" + minutes([5])),
    "readings_at_one_time": ("a.csv", b"period,count\n1998-05-01 00:00:00,5\n" * 1
                             + b"1998-05-01 00:00:00,6\n"),
    "text_for_values": ("a.csv", b"period,count\n" + minutes([5, 6, "many"])),
    "no_values": ("a.csv", b"timestamp,value\n" + minutes(["", "", ""])),
    "mostly_negative_counts": ("a.csv", b"period,count\n" + minutes([5, -1, -1, 6])),
    "undefined_values": ("a.csv", b"timestamp,value\n" + minutes(["nan", "inf", 1, 2])),
    "series_without_a_time": ("a.csv", b"period,count\n" + minutes([5, 6]) + b",7\n"),
    "series_that_jumps_for_weeks": (
        "a.csv", b"period,count\n" + minutes([5, 6, 7]) + b"1998-06-21 00:00:00,5\n",
    ),
    "decimal_commas": ("a.csv", BITBRAINS + b"1376314846;\t2;\t1,5\n1376315146;\t2;\t2,5\n"),
    "machines_all_faulty": ("a.csv", b"m_1,0,-1,5\nm_1,10,101,5\nm_1,20,-1,5\n"),
    "vm_with_text_late": (
        "a.csv",
        b"".join(b"%d,vm==,1,3,2\n" % (300 * n) for n in range(250)) + b"75000,vm==,1,3,x\n",
    ),
    "run_of_no_length": (
        "a.parquet",
        parquet(id=["a", "a"], timestamp=[300.0, 600.0], duration=[300000, 0],
                cpu_count=[1, 1], cpu_usage=[1.0, 2.0]),
    ),
    "negative_carbon": (
        "a.csv", b"timestamp,carbon_intensity\n2021-01-01T00:00:00Z,-5\n2021-01-01T01:00:00Z,5\n",
    ),
    "carbon_of_kilograms_as_tons": (
        "a.csv", b"timestamp,carbon_intensity\n2021-01-01T00:00Z,1e6\n2021-01-01T01:00Z,1e6\n",
    ),
    "carbon_without_a_time": ("a.csv", b"zone,carbon_intensity\nNL,300\nNL,301\n"),
    "negative_price": ("a.csv", b"machine_type,region,usd_hour\nn1,us,1.5\nn2,us,-1\n"),
    "undefined_price": ("a.csv", b"machine_type,region,usd_hour\nn1,us,1.5\nn2,us,nan\n"),
    "price_of_millions": ("a.csv", b"machine_type,region,usd_hour\nn1,us,1.5\nn2,us,5e6\n"),
    "price_without_a_machine": ("a.csv", b"machine_type,region,usd_hour\nn1,us,1.5\n,us,1\n"),
    "price_in_words": ("a.csv", b"machine_type,region,usd_hour\nn1,us,1.5\nn2,us,cheap\n"),
}  # fmt: skip
"""File name and bytes by what is wrong."""


def _folder(path: Path) -> None:
    path.mkdir()


def _link_to_itself(path: Path) -> None:
    path.symlink_to(path)


SPECIAL: dict[str, Callable[[Path], None]] = {
    "missing": lambda _path: None,
    "directory": _folder,
    "link_to_nothing": lambda path: path.symlink_to(path.with_name("gone")),
    "link_to_itself": _link_to_itself,
    "pipe": os.mkfifo,
}
"""Makes something at a path that is no readable file."""
