"""A time as people write it."""

from __future__ import annotations

import re

from graphattn.tasks.common.errors import SettingsError

_SECONDS = {"s": 1, "m": 60, "h": 3600}


def seconds(budget: str | float) -> float:
    """Return "90s", "10m" or "1.5h", or a number of seconds, as seconds.

    Raises:
        SettingsError: it is none of these, or not above 0.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", str(budget))
    if found is None or float(found[1]) <= 0:
        raise SettingsError(f"budget must be a time such as 90s, 10m or 1h, got {budget!r}.")
    return float(found[1]) * _SECONDS[found[2] or "s"]
