"""How far the networks of an ensemble differ, compared with their errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def share_within(mean: Array, std: Array, measured: Array) -> float | None:
    """Return the share of measured values that lie within one standard deviation of the networks' mean.

    Args:
        mean, std, measured: `[n, T]`, NaN where there is none.

    Returns:
        None where there is nothing to compare: one network, or no value.
    """
    known = ~np.isnan(std) & ~np.isnan(measured)
    return float((np.abs(mean - measured) <= std)[known].mean()) if known.any() else None


def describe_spread(networks: int, share: float | None) -> str:
    """Say what ± means; "" for one network.

    Args:
        networks: of the ensemble.
        share: of `share_within`; None for classes and for models that did not keep it.
    """
    if networks < 2:
        return ""
    sentence = f"± (std) is how far the {networks} networks differ, not an error bar"
    if share is None:
        return f"{sentence}."
    return f"{sentence}: {share:.0%} of the test values lie within it, where 68% would within a standard error."
