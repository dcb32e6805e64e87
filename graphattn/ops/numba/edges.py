"""Small functions on edges and weights that all kernels share."""

import numpy as np

from graphattn.ops.numba.exponential import exp
from graphattn.ops.numba.helper import inlined, shared
from graphattn.ops.numba.kernel_arguments import RELU, SIGMOID, SOFTMAX
from graphattn.ops.numba.vector import add_release, at, next_task, prefetch, shifted

U = np.uint64
ONE = U(1)
WORDS_OF_A_LINE = U(8)  # of 64 bits in a line of the cache
AHEAD = U(8)  # edges between asking for a row and using it


@shared
def next_rows(tasks):
    """The number of the next task, and its rows; `tasks.count`, and no rows, when there is none left."""
    counters, bounds = at(tasks.counters, ONE), at(tasks.bounds, ONE)
    for further in range(tasks.shares):
        share = (tasks.share + further) % tasks.shares
        task = share * tasks.count // tasks.shares + next_task(shifted(counters, share * WORDS_OF_A_LINE))
        if task < (share + ONE) * tasks.count // tasks.shares:
            return task, bounds[U(2) * task], bounds[U(2) * task + ONE]
    return tasks.count, U(0), U(0)


@inlined
def finish(tasks):
    """Count a task as done."""
    add_release(at(tasks.done, ONE))


@inlined
def node_of(edges, row):
    """The node that a row belongs to."""
    return U(at(edges.rows, edges.index)[row]) if edges.rows != 0 else row


@inlined
def place_of(edges, x):
    """The place, in the order by destination, of the edge at place x of this order."""
    return U(at(edges.places, edges.index)[x]) if edges.places != 0 else x


@inlined
def edge_at(edges, place):
    """The caller's number of the edge at a place in the order by destination."""
    return U(at(edges.ids, edges.index)[place]) if edges.ids != 0 else place


@inlined
def fill(array, first, last, value):
    """array[first:last] = value."""
    for x in range(first, last):
        array[x] = value


@inlined
def rest_of(top, log_total, lse):
    """What rounding took from lse = top + log_total: half a unit of ±10,000 is 5e-4, too much for an exponent."""
    return log_total - (lse - top)


@shared
def exp_all(x, size):
    """The first `size` numbers of x to their exponentials."""
    for y in range(size):
        x[y] = exp(x[y])


@shared
def weigh_all(p, x, size):
    """Scores to weights, one by one, by a normalizer that needs no sum."""
    zero, one = p.number, type(p.number)(1)
    if p.normalize == RELU:
        for y in range(size):
            x[y] = zero if x[y] < zero else x[y]
    elif p.normalize == SIGMOID:
        for y in range(size):
            x[y] = one / (one + exp(-x[y]))


@shared
def weights_and_slopes(p, x, slopes, kept, size):
    """Scores (of a softmax: exponents) to weights after dropout; gradients of the weights to those of the scores."""
    zero, one = p.number, type(p.number)(1)
    if p.normalize == SOFTMAX:
        for y in range(size):
            weight = exp(x[y])
            slopes[y] = zero if weight == zero else slopes[y] * weight
            x[y] = weight
    elif p.normalize == RELU:
        for y in range(size):
            slopes[y] = zero if x[y] <= zero else slopes[y]
            x[y] = zero if x[y] < zero else x[y]
    elif p.normalize == SIGMOID:
        for y in range(size):
            weight = one / (one + exp(-x[y]))
            slopes[y] *= weight * (one - weight)
            x[y] = weight
    if p.keep_scale != one:
        for y in range(size):
            x[y] *= kept[y]


@inlined
def _prefetch_row(array, width, others, x, end):
    if x + AHEAD < end:
        prefetch(array, U(others[x + AHEAD]) * width, width)


@inlined
def prefetch_key(p, others, x, end):
    """Ask for the key that an edge some places ahead will need."""
    if p.k != 0:
        _prefetch_row(at(p.k, p.keys), U(p.key_heads) * U(p.width), others, x, end)


@inlined
def prefetch_value(p, others, x, end):
    """Ask for the value that an edge some places ahead will need."""
    _prefetch_row(at(p.v, p.values), U(p.key_heads) * U(p.value_width), others, x, end)
