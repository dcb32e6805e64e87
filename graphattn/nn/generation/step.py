"""The interface between generation and models: a step function and a state with selectable rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

Step = Callable[[Tensor, Any], tuple[Tensor, Any]]
"""Maps the last token of each of R sequences, `[R]`, and the state to next-token scores, `[R, V]`, and the new state.
Scores are log-probabilities up to an additive constant per row."""


def select_rows(state: Any, rows: Tensor) -> Any:
    """The state of selected sequences of a batch, in the given order; rows may be repeated.

    Args:
        state: a tensor with one row per sequence, a tuple, list or dict of states, None, or an object with a method
            `select(rows)`.
        rows: indices of the rows, `[R]` integers.

    Raises:
        TypeError: a part of the state has another type.

    Example:
        >>> import torch
        >>> select_rows((torch.tensor([10, 20]), None), torch.tensor([1, 1, 0]))
        (tensor([20, 20, 10]), None)
    """
    if isinstance(state, Tensor):
        return state.index_select(0, rows)
    if state is None:
        return None
    if hasattr(state, "select"):
        return state.select(rows)
    if isinstance(state, dict):
        return {name: select_rows(part, rows) for name, part in state.items()}
    if isinstance(state, tuple | list):
        parts = [select_rows(part, rows) for part in state]
        return type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)
    raise TypeError(
        f"a state is a tensor, None, a tuple, list or dict of states, or has a method select(rows); "
        f"got {type(state).__name__}"
    )
