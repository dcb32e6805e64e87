"""What the fused operator takes and returns, by name; `graphattn.ops.operator` registers it with PyTorch.

PyTorch's dispatcher hands all of it over as one flat list. Sizes: M destinations, N sources, E edges, H heads, Hk key
heads, D and Dv the widths of keys and values, A the number of edge features.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor


class Inputs(NamedTuple):
    """The tensors that can have a gradient. Those of edges are in the caller's order.

    q (where there is no `key_proj`), k and edge_key, v and edge_value may be float16 or bfloat16; all others are
    float32 or float64.

    There are two ways to pass edge features that are not inside an activation: `attr_query` and the option `attr_value`
    are for GPUs, `key_proj` and `value_proj` for CPUs.
    """

    q: Tensor | None  # [M, H, D]; [M, H] for the score "sum"
    k: Tensor | None  # [N, Hk, D]; [N, Hk] for the score "sum"
    v: Tensor  # [N, Hk, Dv]
    bias: Tensor | None = None  # [E, H]
    edge_key: Tensor | None = None  # [E, H, D]
    edge_value: Tensor | None = None  # [E, H, Dv]
    edge_attr: Tensor | None = None  # [E, A]
    attr_query: Tensor | None = None  # [M, H, A]; ⟨attr_query_i, edge_attr_ij⟩ is added to a dot score
    key_proj: Tensor | None = None  # [A, H, D]; edge_attr · key_proj is added to the key, inside an additive activation
    value_proj: Tensor | None = None  # [A, H, Dv]; edge_attr · value_proj is added to the value
    vector: Tensor | None = None  # [H, D], of an additive score


class EdgeLists(NamedTuple):
    """The edges by destination and, where a backward pass can follow, by source."""

    indptr: Tensor  # [M + 1]
    indices: Tensor  # [E], sources
    edge_ids: Tensor | None  # [E], the caller's edge at each place; None if they are the same
    csc_indptr: Tensor | None = None  # [N + 1]
    csc_indices: Tensor | None = None  # [E], destinations
    places: Tensor | None = None  # [E], the place by destination of each edge by source


class Options(NamedTuple):
    """Everything that is no tensor of numbers."""

    score: str  # "dot", "sum", "leaky_relu" or "tanh" (both additive) or "none"
    normalize: str
    heads: int
    scale: float
    negative_slope: float
    dropout: float
    seed: Tensor | None  # of dropout
    attr_value: bool  # whether `attr_out` is wanted
    return_weights: bool


class Outputs(NamedTuple):
    """The results; one that is not wanted, or does not exist, has length zero."""

    out: Tensor  # [M, H, Dv]
    attr_out: Tensor  # [M, H, A], the weighted sum of edge_attr, if `attr_value`
    lse: Tensor  # [M, H], the log-sum-exp of each row, of a softmax
    rest: Tensor  # [M, H], the rounding error of lse: the backward pass needs it to find the weights of large scores
    weights: Tensor  # [E, H] in the caller's order, if `return_weights`


class OutputGradients(NamedTuple):
    """The gradients of the outputs that have one; None where the loss does not depend on the output."""

    out: Tensor
    attr_out: Tensor | None
    lse: Tensor | None
    weights: Tensor | None


class BackwardArguments(NamedTuple):
    """What the backward operator takes: `needs` says of which inputs, by name, a gradient is wanted."""

    gradients: OutputGradients
    outputs: Outputs
    inputs: Inputs
    edges: EdgeLists
    options: Options
    needs: dict[str, bool]


INPUTS = Inputs._fields


def split(values: Sequence[Any], *kinds: Any) -> list[Any]:
    """A flat list of values as consecutive named tuples of these kinds."""
    found, first = [], 0
    for kind in kinds:
        last = first + len(kind._fields)
        found.append(kind._make(values[first:last]))
        first = last
    return found


def split_forward(values: Sequence[Any]) -> tuple[Inputs, EdgeLists, Options]:
    """The arguments of `graphattn::attend` by name."""
    inputs, edges, options = split(values, Inputs, EdgeLists, Options)
    return inputs, edges, options


def split_backward(values: Sequence[Any]) -> BackwardArguments:
    """The arguments of `graphattn::attend_backward` by name."""
    gradients, outputs, inputs, edges, options = split(values, OutputGradients, Outputs, Inputs, EdgeLists, Options)
    needs = dict(zip(INPUTS, values[-1], strict=True))
    return BackwardArguments(gradients, outputs, inputs, edges, options, needs)


_TYPES = {Tensor: "Tensor", Tensor | None: "Tensor?", str: "str", int: "int", float: "float", bool: "bool"}


def _parameters(kind: Any, prefix: str = "") -> str:
    """The fields of a named tuple in PyTorch's schema language."""
    return ", ".join(f"{_TYPES[annotation]} {prefix}{name}" for name, annotation in kind.__annotations__.items())


_ARGUMENTS = ", ".join(map(_parameters, (Inputs, EdgeLists, Options)))
FORWARD = f"({_ARGUMENTS}) -> ({_parameters(Outputs)})"
BACKWARD = (
    f"({_parameters(OutputGradients, 'grad_')}, {_parameters(Outputs)}, {_ARGUMENTS}, bool[] needs) -> ("
    + ", ".join(f"Tensor grad_{name}" for name in INPUTS)
    + ")"
)
