"""`name=value`, as the command line takes it again and again."""

from collections.abc import Iterable

from engine.errors import UsageError


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
