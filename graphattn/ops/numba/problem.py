"""What the kernels are handed: addresses and sizes, grouped by meaning.

An address is that of the first number of a contiguous tensor; 0 stands for a tensor that is not there. An example is a
number of the dtype that lies at some of the addresses; see `graphattn.ops.numba.vector.at`. Sizes: H heads, Hk key
heads, D and Dv the widths of keys and values, A the number of edge features.
"""

from typing import Any, NamedTuple

SOFTMAX, RELU, SIGMOID, IDENTITY = range(4)
NORMALIZERS = {"softmax": SOFTMAX, "relu": RELU, "sigmoid": SIGMOID, "identity": IDENTITY}


class Tasks(NamedTuple):
    """Runs of rows that threads take one after another: task t is rows bounds[2t], …, bounds[2t + 1] − 1.

    The tasks are dealt out in as many equal shares as there are threads, and a thread that is done with its own takes
    from the others'. So a node's numbers stay in one core's cache from step to step and from call to call.
    """

    bounds: int  # uint64
    count: Any  # uint64
    counters: int  # uint64, of each share how many are taken, a cache line apart
    done: int  # uint64, how many are done
    first: int  # the number of task 0 among the tasks of a pass
    share: Any  # uint64, this thread's
    shares: Any  # uint64


class Edges(NamedTuple):
    """The edges in one compressed order: those of row r lie at starts[r], …, stops[r] − 1."""

    starts: int
    stops: int
    others: int  # the node at the other end of each edge
    places: int  # each edge's place in the order by destination; 0 if that is this order
    ids: int  # the caller's edge at each place in the order by destination; 0 if the same
    rows: int  # the node that each row belongs to; 0 if row r is node r
    by_source: int  # whether rows are sources, rather than destinations
    index: Any  # example


class Dot(NamedTuple):
    """scale · ⟨q, k + e + W a⟩ + b."""

    scale: Any


class Sum(NamedTuple):
    """scale · leaky_relu(q + k + b)."""

    scale: Any
    negative_slope: Any


class AdditiveLeaky(NamedTuple):
    """scale · ⟨vector, leaky_relu(q + k)⟩ + b."""

    scale: Any
    negative_slope: Any
    vector: int  # [H, D]


class AdditiveLeakyEdges(NamedTuple):
    """scale · ⟨vector, leaky_relu(q + k + e + W a)⟩ + b, with e or W, or both."""

    scale: Any
    negative_slope: Any
    vector: int  # [H, D]


class AdditiveTanh(NamedTuple):
    """scale · ⟨vector, tanh(q + k + e + W a)⟩ + b."""

    scale: Any
    vector: int  # [H, D]


class BiasAlone(NamedTuple):
    """b."""


class Problem(NamedTuple):
    """The operator's inputs."""

    score: Any
    normalize: int
    q: int  # [M, H, D]
    k: int  # [N, Hk, D]
    v: int  # [N, Hk, Dv]
    bias: int  # [E, H]
    edge_key: int  # [E, H, D]
    edge_value: int  # [E, H, Dv]
    edge_attr: int  # [E, A]
    key_proj: int  # W inside an additive score, [A, H, D]
    key_proj_turned: int  # [H, D, A], where the edge features of an additive score need a gradient
    outer_key: int  # W of a dot score, times its scale, [H, A, D]
    outer_key_turned: int  # [H, D, A]
    outer_value: int  # of what edge features add to values, [H, A, Dv]
    outer_value_turned: int  # [H, Dv, A]
    heads: int
    key_heads: int
    group: int  # heads / key_heads
    width: int
    value_width: int
    attr_width: int
    seed: Any
    threshold: Any  # of dropout; 0 for none
    keep_scale: Any
    queries: Any  # example for q
    keys: Any  # example for k and edge_key
    values: Any  # example for v and edge_value
    number: Any  # example for all else


class Results(NamedTuple):
    """The operator's outputs."""

    out: int  # [M, H, Dv]
    lse: int  # [M, H]
    rest: int  # [M, H], what rounding took from lse
    weights: int  # [E, H]


class Gradients(NamedTuple):
    """Gradients that come in, and where those that are asked for go."""

    grad_out: int
    grad_lse: int
    grad_weights: int
    row_terms: int  # [M, 4, H] of a softmax: lse, rest, δ and dlse
    score: int  # [E, H] by destination: of the bias, which the pass by source hands to that by destination
    weight: int  # [E, H] likewise the weights, where edge features add to values
    q: int
    k: int
    v: int
    edge_key: int
    edge_value: int
    edge_attr: int
    key_proj: int  # [tasks, A, H, D]
    outer_key: int  # [tasks, H, A, D]
    outer_value: int  # [tasks, H, A, Dv]
    vector: int  # [tasks, H, D]
