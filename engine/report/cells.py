"""Text that reaches a spreadsheet is text, whatever it looks like."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def safe(text: str) -> str:
    """The same text, with an apostrophe in front where a spreadsheet would run it.

    The characters are those that the OWASP page on CSV injection names, and their neighbours.
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
