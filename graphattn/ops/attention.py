"""`graphattn.attention`, the one operator: its public face."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from graphattn.graph import Graph
from graphattn.ops import dispatch, explain
from graphattn.ops.arguments import Projection, prepare
from graphattn.ops.explain import Explanation
from graphattn.ops.scores import Score
from graphattn.ops.state import State
from graphattn.ops.streaming import attend_in_blocks, budget_of


def attention(
    q: Tensor | None,
    k: Tensor | None,
    v: Tensor,
    graph: Graph,
    *,
    score: str | Score = "dot",
    normalize: str = "softmax",
    scale: float | None = None,
    edge_bias: Tensor | None = None,
    edge_key: Tensor | None = None,
    edge_value: Tensor | None = None,
    edge_attr: Tensor | None = None,
    edge_proj: Projection | None = None,
    dropout: float = 0.0,
    return_weights: bool = False,
    return_state: bool = False,
    memory_budget: int | str | None = None,
    backend: str = "auto",
) -> Tensor | tuple[Tensor, Tensor] | State:
    """Attention in which each node sees only its in-neighbors.

        out_i = Σ_{j → i}  normalize_j( score(q_i, k_j + e_ij) + b_ij ) · (v_j + u_ij)

    M destinations, N sources, E edges, H query heads, Hk key heads (Hk divides H: multi-query and grouped-query
    attention; head h reads key head h // (H / Hk)), D and Dv the widths of keys and values. All floating-point tensors
    share dtype and device; edge tensors are in the order of `graph.edge_index`.

    Args:
        q: queries of the destinations, `[M, H, D]`; `[M, H]` for score "sum"; may be None for "none".
        k: keys of the sources, `[N, Hk, D]`; `[N, Hk]` for score "sum"; may be None for "none".
        v: values of the sources, `[N, Hk, Dv]`.
        graph: who may look at whom.
        score: "dot", "cosine", "sum", "none" or an object of `graphattn.scores`; there the formulas.
        normalize: "softmax", "relu", "sigmoid", "identity", "linear", "sparsemax", "entmax15" or "argmax"; the
            formulas are in `graphattn.normalizers`.
        scale: multiplies the score; D^(-1/2) for "dot" and 1 otherwise when None.
        edge_bias: b, `[E, H]`; −inf hides an edge. With score "sum" it enters before the leaky ReLU, as in GAT.
        edge_key: e, `[E, H, D]`, added to the key. With score "additive" it enters before the activation, as in GATv2.
        edge_value: u, `[E, H, Dv]`, added to the value.
        edge_attr: edge features `[E, d_e]`, which `edge_proj` turns into edge keys and values.
        edge_proj: `[d_e, H, D]` for both, or a pair (for keys, for values), either of which may be None.
        dropout: probability with which a weight is set to zero; the others grow by 1 / (1 − dropout). The seed
            comes from torch's default generator, so `torch.manual_seed` makes it repeat, on every backend alike.
        return_weights: return `(out, weights)`, the weights `[E, H]` as they multiplied the values (after dropout).
        return_state: return `State(out, lse)`, which `merge` can combine with others. Softmax only.
        memory_budget: bytes, as a number or as "2GiB", that keys, values and lists of edges may take at a time, their
            gradients included: sources are visited block by block, in the backward pass once more, and the states
            merged. k and v may be on the host and q on a GPU. No dropout, no weights, no second derivative; normalize
            is "softmax", "relu", "sigmoid" or "identity".
        backend: "auto", "reference", "dense", "block", "linear", "parts", "numba" or "triton". By name it runs there or
            raises.

    Returns:
        `[M, H, Dv]` in the dtype of v, or a pair as asked. A destination without in-edges, or with all its edges
        hidden, gets zeros, and no gradient is NaN because of it. Duplicate edges count twice.

    Raises:
        ValueError: sizes disagree, a name is unknown, or the backend asked for cannot run this call.
        TypeError: an argument is of the wrong kind, or dtypes differ. Under autocast all take that of v.

    Example:
        >>> import torch, graphattn as ga
        >>> graph = ga.Graph(torch.tensor([[0, 1, 1], [2, 2, 0]]), num_nodes=3)
        >>> q = k = torch.zeros(3, 1, 4)
        >>> v = torch.tensor([10.0, 20.0, 30.0]).view(3, 1, 1)
        >>> ga.attention(q, k, v, graph).flatten()  # node 2 sees 0 and 1, node 0 sees 1, node 1 sees none
        tensor([20.,  0., 15.])

    The result is exact, and on a CPU the same bits in every run. Vaswani et al. 2017,
    arXiv:1706.03762, eq. 1, kept to the edges; Veličković et al. 2018, arXiv:1710.10903.
    """
    budget = budget_of(memory_budget)
    if budget is not None:
        edges = {"edge_bias": edge_bias, "edge_key": edge_key, "edge_value": edge_value, "edge_attr": edge_attr}
        options = {"score": score, "normalize": normalize, "scale": scale, "edge_proj": edge_proj, "dropout": dropout}
        options |= {"return_weights": return_weights, "return_state": return_state, "backend": backend}
        return attend_in_blocks(_attend, budget, q, k, v, graph, edges, options)
    return _attend(
        q, k, v, graph, score=score, normalize=normalize, scale=scale, edge_bias=edge_bias, edge_key=edge_key,
        edge_value=edge_value, edge_attr=edge_attr, edge_proj=edge_proj, dropout=dropout,
        return_weights=return_weights, return_state=return_state, backend=backend,
    )  # fmt: skip


def _attend(
    q: Tensor | None, k: Tensor | None, v: Tensor, graph: Graph, *, backend: str, **options: Any
) -> Tensor | tuple[Tensor, Tensor] | State:
    return dispatch.run(prepare(q, k, v, graph, **options), backend)


def explain_backend(
    q: Tensor | None, k: Tensor | None, v: Tensor, graph: Graph, *, backend: str = "auto", **options: Any
) -> Explanation:
    """Tell which backend `attention` with the same arguments would run on, and why not on the others.

    Returns:
        A record with `backend`, `reason`, `rejected` (the backends that were passed over, with the reason of each), and
        `flops` and `bytes` of the forward pass. It prints as a short text.

    Raises:
        ValueError, TypeError: as `attention` would.

    Example:
        >>> import torch, graphattn as ga
        >>> x = torch.zeros(3, 1, 4)
        >>> print(ga.explain_backend(x, x, x, ga.complete(3), normalize="sparsemax").backend)
        reference
    """
    return explain.explain(prepare(q, k, v, graph, **options), backend)
