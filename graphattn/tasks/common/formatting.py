"""Numbers as they are shown to people."""

import math


def fixed(value: float | None, digits: int = 3) -> str:
    """Return a number with `digits` decimals and a typographic minus sign; a dash for None and NaN.

    A value that rounds to zero has no sign.
    """
    if value is None or math.isnan(value):
        return "–"
    text = f"{value:.{digits}f}"
    return (text if float(text) else text.lstrip("-")).replace("-", "\N{MINUS SIGN}")
