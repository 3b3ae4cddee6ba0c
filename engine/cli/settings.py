"""What commands share on their options: `name=value`, and options without effect."""

from collections.abc import Iterable

import click

from engine.errors import UsageError


def refuse_idle(names: Iterable[str], why: str) -> None:
    """Refuses the first of some options of the running command that was typed.

    Args:
        names: of the command's parameters.
        why: they have no effect, as the beginning of a sentence.

    Raises:
        click.UsageError: one was typed.
    """
    context, idle = click.get_current_context(), set(names)
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name in idle and source is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{why}, so {option.opts[0]} has no effect. Leave it out.")


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Values by name; the last one wins where a name comes twice.

    Args:
        texts: each `name=value`; the value may hold further equal signs.
        option: named in errors.

    Raises:
        UsageError: no name or no equal sign.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(
                f"{text!r} is not of the form name=value", option, f"Write {option} name=value"
            )
        found[name.strip()] = value.strip()
    return found
