"""The root of the command: puts the parts together and turns every ending into an exit code.

0 done, 1 a bug of ours, 2 wrong usage, 3 the input is at fault, 130 stopped by somebody.
"""

import os
import sys
import traceback
from collections.abc import Sequence

import click

from engine.cli.adapting import adapt, allocators
from engine.cli.benches import bench, warm
from engine.cli.claims import claims
from engine.cli.dashboard import dashboard
from engine.cli.deriving import derive
from engine.cli.elections import champion
from engine.cli.evaluations import evaluate
from engine.cli.explaining import explain_decision, faithfulness, reviews
from engine.cli.forecasts import forecast
from engine.cli.manifests import manifests
from engine.cli.replays import compare, replay, runs
from engine.cli.reports import report
from engine.cli.routes import route
from engine.cli.scenarios import policies, scenario
from engine.cli.session import explain, with_session
from engine.cli.studying import study
from engine.cli.sweeps import sweep, sweeps
from engine.cli.synth import synth
from engine.cli.traces import import_, traces
from engine.cli.training import train
from engine.cli.tuning import tune
from engine.errors import EngineError, ReplayCancelled, UsageError

DONE, OUR_BUG, WRONG_USAGE, INPUT_AT_FAULT, STOPPED = 0, 1, 2, 3, 130

_STYLE = {"help_option_names": ["-h", "--help"], "max_content_width": 99}


@click.group(context_settings=_STYLE)
@click.version_option(package_name="smartscale", prog_name="smartscale")
@with_session
def smartscale() -> None:
    """What an autoscaling policy would have done to your own traffic, and what it would cost.

    Load a trace, replay it under several policies, compare. Every command that prints results
    takes --json: one document on stdout, everything else on stderr.
    """


for _command in (
    dashboard, import_, traces, synth, replay, compare, runs, explain_decision, faithfulness,
    reviews, route, evaluate, champion, policies, scenario, sweep, sweeps, tune, manifests, report,
    claims, forecast, train, study, adapt, allocators, bench, warm,
):  # fmt: skip
    smartscale.add_command(_command)
traces.add_command(derive)


def main(args: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    Args:
        args: without the program's name; None: those of this process.
    """
    try:
        code = smartscale.main(args, prog_name="smartscale", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return WRONG_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return STOPPED
    except EngineError as error:
        return _fault(error)
    except BrokenPipeError:  # whoever reads our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:  # noqa: BLE001 - the last resort: no bare stack trace
        return _bug(error)
    return code if isinstance(code, int) else DONE


def _fault(error: EngineError) -> int:
    _trace_if_asked()
    explain(error)
    if isinstance(error, ReplayCancelled):
        return STOPPED
    return WRONG_USAGE if isinstance(error, UsageError) else INPUT_AT_FAULT


def _bug(error: Exception) -> int:
    _trace_if_asked()
    click.echo(
        f"This is a bug in SmartScale: {type(error).__name__}: {error}\n"
        "Run the command again with SMARTSCALE_DEBUG=1 and report the stack trace it prints.",
        err=True,
    )
    return OUR_BUG


def _trace_if_asked() -> None:
    if os.environ.get("SMARTSCALE_DEBUG", "") not in ("", "0"):
        traceback.print_exc()
