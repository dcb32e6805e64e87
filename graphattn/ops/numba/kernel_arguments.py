"""The arguments of kernels: records of addresses and sizes, grouped by meaning.

Kernels call them `tasks`, `edges`, `p` (inputs), `r` (results) and `g` (gradients).

An address is that of the first number of a contiguous tensor; 0 stands for a tensor that is not there. What is marked
as a choice is part of the type, and a kernel is compiled for each: of a dtype it is a zero, to make a pointer of an
address with `graphattn.ops.numba.vector.at`. Sizes: H heads, Hk key heads, D and Dv the widths of keys and values, A
the number of edge features.
"""

from typing import NamedTuple

from graphattn.ops.numba.record import Kind, packer

SOFTMAX, RELU, SIGMOID, IDENTITY = range(4)
NORMALIZERS = {"softmax": SOFTMAX, "relu": RELU, "sigmoid": SIGMOID, "identity": IDENTITY}


class Tasks(NamedTuple):
    """Runs of rows that threads take one after another: task t is rows bounds[2t], …, bounds[2t + 1] − 1.

    The tasks are dealt out in as many equal shares as there are threads, and a thread that is done with its own takes
    from the others'. So a node's numbers stay in one core's cache from step to step and from call to call.
    """

    bounds: int  # uint64
    count: int  # type: ignore[assignment]  # which tuples have as a method
    counters: int  # uint64, of each share how many are taken, a cache line apart
    done: int  # uint64, how many are done
    first: int  # the number of task 0 among the tasks of a pass
    share: int  # this thread's
    shares: int


class Edges(NamedTuple):
    """The edges in one compressed order: those of row r lie at starts[r], …, stops[r] − 1.

    Choice: `index`, the dtype of all of them.
    """

    starts: int
    stops: int
    others: int  # the node at the other end of each edge
    places: int  # each edge's place in the order by destination; 0 if that is this order
    ids: int  # the caller's edge at each place in the order by destination; 0 if the same
    rows: int  # the node that each row belongs to; 0 if row r is node r
    by_source: int  # whether rows are sources, rather than destinations


class List(NamedTuple):
    """A list of edges in the caller's order, and where its compressed form is written.

    Choices: `node`, the dtype of the list; `index`, that of the compressed form.
    """

    ends: int
    row_step: int  # from an edge's source to its destination
    step: int  # from an edge to the next
    num_edges: int
    num_kept: int  # how many are no self-loops
    num_rows: int
    num_others: int
    starts: int  # [rows + 2], the last of which is for the work alone
    others: int  # [E]
    origins: int  # [E]


class KernelInputs(NamedTuple):
    """The operator's inputs.

    Choices: `score`, one of the names below; the dtypes `queries` of q, `keys` of k and edge_key, `values` of v and
    edge_value, and `number` of all else.
    """

    normalize: int
    q: int  # [M, H, D]
    k: int  # [N, Hk, D]
    v: int  # [N, Hk, Dv]
    bias: int  # [E, H]
    edge_key: int  # [E, H, D]
    edge_value: int  # [E, H, Dv]
    edge_attr: int  # [E, A]
    vector: int  # of an additive score, [H, D]
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
    seed: int
    threshold: int  # of dropout; 0 for none
    keep_scale: float
    scale: float
    negative_slope: float


DOT = "dot"  # scale · ⟨q, k + e + W a⟩ + b
SUM = "sum"  # scale · leaky_relu(q + k + b)
LEAKY = "leaky_relu"  # scale · ⟨vector, leaky_relu(q + k)⟩ + b
LEAKY_EDGES = "leaky_relu of edges"  # scale · ⟨vector, leaky_relu(q + k + e + W a)⟩ + b, with e or W, or both
TANH = "tanh"  # scale · ⟨vector, tanh(q + k + e + W a)⟩ + b
BIAS_ALONE = "none"  # b


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


TASKS, RESULTS, GRADIENTS = Kind(Tasks), Kind(Results), Kind(Gradients)
pack_tasks, pack_edges, pack_list, pack_inputs, pack_results, pack_gradients = map(
    packer, (Tasks, Edges, List, KernelInputs, Results, Gradients)
)
