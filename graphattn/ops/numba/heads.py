"""Products of rows of queries and keys for all heads at once, as functions that are compiled once for all kernels.

The key's side has one row of `width` numbers for each of `key_heads` and is the j-th such in `b`; the query's side has
`group` rows for each of those and is the i-th in `a`. An edge's tensor is a key's side with groups of one, or with
one key head where it is shared by all.
"""

from graphattn.ops.numba import leaky, vector
from graphattn.ops.numba.helper import shared


@shared
def add_dots(scale, a, i, b, j, width, group, key_heads, sums, y):
    """sums[y + h] += scale · ⟨a_ih, b_jh⟩."""
    vector.add_dots(scale, a, i * group * key_heads * width, b, j * key_heads * width, width, group, key_heads, sums, y)


@shared
def add_to_queries(scale, weights, y, a, i, b, j, width, group, key_heads):
    """a_ih += scale · weights[y + h] · b_jh."""
    query, key = i * group * key_heads * width, j * key_heads * width
    vector.add_to_queries(scale, weights, y, a, query, b, key, width, group, key_heads)


@shared
def add_to_keys(scale, weights, y, a, i, b, j, width, group, key_heads):
    """b_jh += scale · weights[y + h] · a_ih, over all heads that go with the key head."""
    query, key = i * group * key_heads * width, j * key_heads * width
    vector.add_to_keys(scale, weights, y, a, query, b, key, width, group, key_heads)


@shared
def plus(a, i, b, j, sums, t, width, group, key_heads):
    """sums_th = a_ih + b_jh."""
    query, key, target = i * group * key_heads * width, j * key_heads * width, t * group * key_heads * width
    vector.plus(a, query, b, key, sums, target, width, group, key_heads)


@shared
def add_leaky_dots(
    scale, negative_slope, vector, a, i, b, j,
    width, group, key_heads, sums, y,
):  # fmt: skip
    """sums[y + h] += scale · ⟨vector_h, leaky_relu(a_ih + b_jh)⟩."""
    query, key = i * group * key_heads * width, j * key_heads * width
    leaky.add_leaky_dots(scale, negative_slope, vector, a, query, b, key, width, group, key_heads, sums, y)


@shared
def add_leaky_to_queries(
    scale, negative_slope, slopes, y, vector, a, i, b, j,
    width, group, key_heads, grads, row,
):  # fmt: skip
    """grads_row,h += scale · slopes[y + h] · vector_h leaky_relu'(a_ih + b_jh)."""
    query, key, target = i * group * key_heads * width, j * key_heads * width, row * group * key_heads * width
    leaky.add_leaky_to_queries(
        scale, negative_slope, slopes, y, vector, a, query, b, key, width, group, key_heads, grads, target
    )


@shared
def add_leaky_to_keys(
    scale, negative_slope, slopes, y, vector, a, i, b, j,
    width, group, key_heads, grads, row, of_vector, task,
):  # fmt: skip
    """The same to the row of keys, summed over a group; of_vector_task,h += scale · slopes[y + h] · leaky_relu(…)."""
    query, key, target = i * group * key_heads * width, j * key_heads * width, row * key_heads * width
    first = task * group * key_heads * width
    leaky.add_leaky_to_keys(
        scale, negative_slope, slopes, y, vector, a, query, b, key, width, group, key_heads, grads, target,
        of_vector, first,
    )  # fmt: skip
