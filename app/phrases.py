"""Sentences with names and numbers in them; those without are in `words`."""

from collections.abc import Mapping, Sequence

from app import formats, words
from app.formats import count, duration, listed


def sentence(text: str) -> str:
    """With a capital at its beginning, unless that is a name."""
    first = text.split(" ", 1)[0]
    return text if "_" in first else text[:1].upper() + text[1:]


def escaped(text: str) -> str:
    """Names of files and columns as they are, not as Markdown."""
    for character in "\\`*_[]#$:<>~|":
        text = text.replace(character, f"\\{character}")
    return text


def rows_found(row: int | None, number: int) -> str:
    """Where in a file a finding is: its first row, and how many there are."""
    if row is None:
        return ""
    return f"{row:,}" if number == 1 else f"from {row:,}, {count(number, 'row')}"


def bullets(sentences: Sequence[str]) -> str:
    """Sentences as a Markdown list; one alone as it is."""
    texts = [escaped(text) for text in sentences]
    return "\n".join(f"- {text}" for text in texts) if len(texts) > 1 else "".join(texts)


def working(title: str, text: str, fraction: float) -> str:
    """Beside a progress bar."""
    doing = f" · {text}" if text else ""
    return f"{escaped(title)}{escaped(doing)} · {100 * fraction:.0f} %"


def unfinished(policy: str, status: str, note: str | None) -> str:
    """Why a run is not part of the comparison."""
    why = f" ({note})" if note else ""
    return f"The run of {escaped(policy)} is {status}{escaped(why)}, so it is left out. See Runs."


def comparison_line(trace: str, scenario: str, window: str) -> str:
    """What was replayed, above a comparison."""
    return f"**{escaped(trace)}** · {window} · scenario **{escaped(scenario)}**"


def column_head(label: str, baseline: bool) -> str:
    """A run's column in the scorecard."""
    return f"{escaped(label)} (baseline)" if baseline else escaped(label)


def scorecard_alt(labels: list[str], baseline: str) -> str:
    """Name of the scorecard's table."""
    return f"Scorecard of {listed(labels)} with differences to {baseline}"


def sampled(bucket_s: float, tick_s: float, how: str) -> str:
    """How a chart was down-sampled."""
    if bucket_s <= tick_s:
        return f"Each step is one tick of {duration(tick_s)}."
    return (
        f"Down-sampled: each step covers {duration(bucket_s)} "
        f"({count(round(bucket_s / tick_s), 'tick')}) and shows the {how}."
    )


def accounted(label: str, arrived: float, finished: float, failed: float) -> str:
    """That no request is missing: finished and failed make up all that arrived."""
    whole = formats.whole
    text = f"{label}: {whole(finished)} finished + {whole(failed)} failed"
    if round(finished + failed) == round(arrived):
        return f"{text} = {whole(arrived)} arrived"
    return f"{text} of {whole(arrived)} arrived; the rest is unaccounted for"


def delete_runs(number: int) -> str:
    """The question before runs are deleted."""
    return f"Delete {count(number, 'run')} for good? Their traces stay."


def chosen_runs(picked: int, done: int) -> str:
    """How many runs are selected, and what can be done with them."""
    if not picked:
        return "No row is selected."
    if done < picked:
        return f"{count(picked, 'run')} selected; only finished ones can be compared ({done})."
    return f"{count(picked, 'run')} selected."


def replaying(policies: Sequence[str], trace: str) -> str:
    """Title of a replay under way."""
    return f"Replaying {trace} under {listed(list(policies))}"


def delete_trace(name: str) -> str:
    """The question before a trace is deleted."""
    return f"Delete {name} and all its rows for good?"


def recognised(format: str, kind: str | None) -> str:  # noqa: A002
    """What a file was taken for."""
    if kind is None:
        return "Its columns are not known yet. These are its first rows."
    holds = words.KINDS[str(kind)].lower()
    if format == words.GENERIC:
        return f"A table of **{holds}**, as mapped above. These are its first rows."
    return f"Recognised as **{format}**, holding **{holds}**. These are its first rows."


def importing(file: str) -> str:
    """Title of an import under way."""
    return f"Importing {file}"


def making(kind: str) -> str:
    """Title of a trace being made."""
    return f"Making a trace: {kind}"


def imported(name: str, rows: int, existed: bool) -> str:
    """What an import ended with."""
    text = f"**{escaped(name)}** is stored: {count(rows, 'row')}."
    return (
        f"**{escaped(name)}** was stored already: same content, same trace." if existed else text
    )


def curve_caption(width_s: float) -> str:
    """How a rate curve was down-sampled."""
    return f"Each step is the mean of {duration(width_s)}."


def carbon_alt(regions: Sequence[str]) -> str:
    """Name of a carbon chart."""
    return f"Carbon intensity over time in {listed(list(regions))}"


def replayed(time: str) -> str:
    """How far a replay has come."""
    return f"{time} of the trace replayed"


def default(value: object) -> str:
    """A parameter's default."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def pool_title(pool: str, agent_type: str) -> str:
    """Above the fields of one pool, where there are several."""
    return f"Pool {pool}" if pool == agent_type else f"Pool {pool} of {agent_type}"


def trace_option(name: str, kind: str, rows: int, duration_s: float) -> str:
    """A trace in a list of choices."""
    noun = {"series": "interval"}.get(kind, "request")
    return f"{name} · {count(rows, noun)} · {duration(duration_s)}"


def window_line(window: str, whole: bool) -> str:
    """Below the window's slider."""
    return f"Whole trace: {window}" if whole else f"Window: {window}"


def capacity_alt(label: str, demand: float, ready: float) -> str:
    """The takeaway of one capacity chart."""
    return (
        f"{label}: demand peaks at {formats.amount(demand)} slots, ready capacity at "
        f"{formats.amount(ready)}"
    )


def lines_alt(title: str, peaks: Mapping[str, float], unit: str) -> str:
    """The takeaway of a chart with one line a run."""
    told = [f"{label} {formats.figure(peak, unit)}" for label, peak in peaks.items()]
    return f"{title}, highest value: {listed(told)}" if told else f"{title}: nothing to show"


def rate_alt(name: str, mean: float, peak: float) -> str:
    """The takeaway of a rate curve."""
    return f"{name}: {formats.amount(mean)} on average, at most {formats.amount(peak)}"


def counted(numbers: Mapping[str, int]) -> Mapping[str, str]:
    """A label for each key, with how many there are."""
    return {key: f"{sentence(str(key))} ({number})" for key, number in numbers.items()}


def rate_label(currency: str) -> str:
    """Of the box for an exchange rate."""
    return f"{currency} for one US dollar"


def rate_wanted(currency: str) -> str:
    """Asks for an exchange rate."""
    return (
        f"How many {currency} is one US dollar? Type the exchange rate above; until then the "
        "report stays in US dollars."
    )


def changed_assumption(label: str, value: str, unit: str, default: str) -> str:
    """An assumption that is not the default."""
    return f"{label.lower()} {value} {unit} (default {default})"


def claims_open(no_run: int, elsewhere: int) -> str:
    """How many claims have no figure of ours, and what that takes."""
    waiting = f"{no_run} {'row has' if no_run == 1 else 'rows have'} no run yet."
    measured = (
        f"{elsewhere} {'row is' if elsewhere == 1 else 'rows are'} measured by a command that "
        "keeps nothing here; each names it."
    )
    return " ".join([waiting] * bool(no_run) + [measured] * bool(elsewhere))


def own_cluster(name: str) -> str:
    """The scenario of the page *Cluster* among presets."""
    return f"Cluster page: {escaped(name)}"
