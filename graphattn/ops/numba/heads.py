"""Products of the rows of a query and of a key, where several query heads may share one key head.

A query's side has H rows of `width` numbers and lies at node i of `a`, a key's side has Hk and lies at node j of `b`.
"""

from typing import Any

from graphattn.ops.numba.edges import U
from graphattn.ops.numba.jit import as_written
from graphattn.ops.numba.vector import add_dots, add_scaled


@as_written
def dots(p: Any, scale: Any, a: Any, i: Any, b: Any, j: Any, width: Any, sums: Any, y: Any) -> None:
    """sums[y + h] += scale · ⟨a_ih, b_jh⟩."""
    H, Hk = U(p.heads), U(p.key_heads)
    if H == Hk:
        add_dots(scale, a, i * H * width, width, b, j * H * width, width, width, H, sums, y)
    else:
        group = H // Hk
        for h in range(Hk):
            query, key = (i * H + h * group) * width, (j * Hk + h) * width
            add_dots(scale, a, query, width, b, key, U(0), width, group, sums, y + h * group)


@as_written
def into_queries(p: Any, scale: Any, weights: Any, y: Any, b: Any, j: Any, a: Any, i: Any, width: Any) -> None:
    """a_ih += scale · weights[y + h] · b_jh."""
    H, Hk = U(p.heads), U(p.key_heads)
    if H == Hk:
        add_scaled(scale, weights, y, b, j * H * width, width, a, i * H * width, width, width, H)
    else:
        group = H // Hk
        for h in range(Hk):
            query, key = (i * H + h * group) * width, (j * Hk + h) * width
            add_scaled(scale, weights, y + h * group, b, key, U(0), a, query, width, width, group)


@as_written
def into_keys(p: Any, scale: Any, weights: Any, y: Any, a: Any, i: Any, b: Any, j: Any, width: Any) -> None:
    """b_jh += scale · weights[y + h] · a_ih, over all query heads that read the key head."""
    H, Hk = U(p.heads), U(p.key_heads)
    if H == Hk:
        add_scaled(scale, weights, y, a, i * H * width, width, b, j * H * width, width, width, H)
    else:
        group = H // Hk
        for h in range(Hk):
            query, key = (i * H + h * group) * width, (j * Hk + h) * width
            add_scaled(scale, weights, y + h * group, a, query, width, b, key, U(0), width, group)
