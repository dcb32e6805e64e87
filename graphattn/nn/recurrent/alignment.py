"""Encoder-decoder attention with the scores of Bahdanau and Luong."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from graphattn.graph import Bipartite, Graph, interval
from graphattn.nn.functional.edge_weights import normalize_edges, weighted_sum
from graphattn.nn.functional.hard_attention import log_probability, sample_edges
from graphattn.nn.scripting import NotScriptable
from graphattn.ops.attention import attention
from graphattn.ops.precision import wide, wide_dtype
from graphattn.ops.scores import Additive, Cosine

AlignmentScore = Literal["dot", "scaled_dot", "cosine", "general", "additive", "location", "none"]


class Aligned(NamedTuple):
    """The result of attention to a memory."""

    context: Tensor
    """Σ_j α_ij h_j, `[M, memory_dim]`"""
    weights: Tensor
    """α, `[E]`, one for each edge of `graph`"""
    graph: Graph
    """from the memory to the queries"""
    log_prob: Tensor | None = None
    """log-probability of the sampled element, `[M]`; hard attention only"""


class Alignment(NotScriptable, nn.Module):
    """The weighted mean of the memory for each query.

        c_i = Σ_j α_ij h_j,   α_i = softmax_j a(s_i, h_j)

    with the score

        "dot"         ⟨s_i, h_j⟩                       Luong et al. 2015, section 3.1
        "scaled_dot"  ⟨s_i, h_j⟩ / √D                  Vaswani et al. 2017, eq. 1
        "cosine"      β ⟨s_i, h_j⟩ / (|s_i| |h_j|)     Graves et al. 2014, arXiv:1410.5401, eq. 6; β learned, 1 at first
        "general"     ⟨s_i, W h_j⟩                     Luong et al. 2015, section 3.1: bilinear, a projected key
        "additive"    ⟨v, tanh(W s_i + U h_j + b)⟩     Bahdanau et al. 2015, A.1.2; Luong's "concat", W_a = [W U]
        "location"    (W s_i)_j                        Luong et al. 2015, eq. 8: query and position only, no keys
        "none"        0                                uniform weights: c is the mean of the memory

    Args:
        query_dim: width of the queries s.
        memory_dim: width of the memory h; that of the queries for "dot", "scaled_dot" and "cosine".
        score: one of the scores above.
        hidden_dim: hidden width of the additive score; `query_dim` when None.
        max_length: the maximum memory length, for "location".

    Bahdanau et al. 2015, arXiv:1409.0473; Luong et al. 2015, arXiv:1508.04025, section 3.1. Luong writes no bias b.

    Example:
        >>> import torch, graphattn as ga
        >>> align = ga.nn.Alignment(8, 6, score="general")
        >>> graph = ga.bipartite([1, 1], [3, 4])  # two queries, each with a memory of its own
        >>> align(torch.randn(2, 8), torch.randn(7, 6), graph).context.shape
        torch.Size([2, 6])
    """

    def __init__(
        self,
        query_dim: int,
        memory_dim: int,
        *,
        score: AlignmentScore = "additive",
        hidden_dim: int | None = None,
        max_length: int | None = None,
    ) -> None:
        super().__init__()
        if score not in get_args(AlignmentScore):
            raise ValueError(f"score is one of {', '.join(get_args(AlignmentScore))}; got {score!r}")
        if score in ("dot", "scaled_dot", "cosine") and query_dim != memory_dim:
            raise ValueError(f'score="{score}" needs query_dim = memory_dim, got {query_dim} and {memory_dim}')
        if (max_length is None) == (score == "location"):
            raise ValueError('max_length goes with score="location": give both or neither')
        self.query_dim, self.memory_dim, self.score = query_dim, memory_dim, score
        if score == "general":
            self.key = nn.Linear(memory_dim, query_dim, bias=False)
        elif score == "cosine":
            self.beta = nn.Parameter(torch.ones(1))
        elif score == "additive":
            hidden_dim = query_dim if hidden_dim is None else hidden_dim
            self.query = nn.Linear(query_dim, hidden_dim, bias=False)
            self.key = nn.Linear(memory_dim, hidden_dim)
            self.vector = nn.Parameter(torch.empty(1, hidden_dim).uniform_(-1, 1) * hidden_dim**-0.5)
        elif max_length is not None:
            self.place = nn.Linear(query_dim, max_length, bias=False)

    def keys(self, memory: Tensor) -> Tensor:
        """The keys of a memory, which can be computed once and passed to `forward` at every step."""
        return self.key(memory) if self.score in ("general", "additive") else memory

    def forward(
        self, query: Tensor, memory: Tensor, graph: Graph, *, keys: Tensor | None = None, step: Tensor | None = None
    ) -> Aligned:
        """Attend to the memory.

        Args:
            query: `[M, query_dim]`.
            memory: `[N, memory_dim]`; the memories of a batch are packed one after another.
            graph: from the memory to the queries, `bipartite(queries per memory, sizes of the memories)`.
            keys: `keys(memory)`, if already computed.
            step: the step number of each query, `[M]`; used by local-m attention only.

        Raises:
            ValueError: a memory is longer than `max_length` (score "location").
            TypeError: the graph is not bipartite (score "location").
        """
        context, weights = self._attend(query, memory.unsqueeze(1), graph, self.keys(memory) if keys is None else keys)
        return Aligned(context.squeeze(1), weights.squeeze(1), graph)

    def _attend(self, query: Tensor, values: Tensor, graph: Graph, keys: Tensor) -> tuple[Tensor, Tensor]:
        if self.score in ("location", "none"):
            scored = self.score == "location"
            bias = self._place_scores(query, graph) if scored else values.new_zeros(graph.num_edges, 1)
            return attention(None, None, values, graph, score="none", edge_bias=bias, return_weights=True)  # type: ignore[return-value]
        k = keys.unsqueeze(1)
        if self.score == "additive":
            q, additive = self.query(query).unsqueeze(1), Additive(self.vector, "tanh")
            return attention(q, k, values, graph, score=additive, return_weights=True)  # type: ignore[return-value]
        if self.score == "cosine":
            q, cosine = query.unsqueeze(1), Cosine(self.beta)
            return attention(q, k, values, graph, score=cosine, return_weights=True)  # type: ignore[return-value]
        scale = None if self.score == "scaled_dot" else 1.0
        return attention(query.unsqueeze(1), k, values, graph, scale=scale, return_weights=True)  # type: ignore[return-value]

    def _place_scores(self, query: Tensor, graph: Graph) -> Tensor:
        if not isinstance(graph, Bipartite):
            raise TypeError(f'score="location" needs a bipartite graph, got {type(graph).__name__}')
        if max(graph.src_sizes, default=0) > self.place.out_features:
            raise ValueError(f"a memory has {max(graph.src_sizes)} places, but max_length={self.place.out_features}")
        src, dst = graph.edge_index
        place = src - graph.src_ptr[graph.batch[dst]]
        return self.place(query)[dst, place].unsqueeze(1)

    def extra_repr(self) -> str:
        """The options of the module, for `repr`."""
        return f'{self.query_dim}, {self.memory_dim}, score="{self.score}"'


class LocalAlignment(Alignment):
    """Luong's local attention: each query attends to a window of its memory.

        local-m: p_i = t_i, the step number                       α_ij = softmax_j a(s_i, h_j)
        local-p: p_i = S · sigmoid(⟨v_p, tanh(W_p s_i)⟩)           α_ij = softmax_j a(s_i, h_j) · exp(−(j − p_i)² / 2σ²)

    over p_i − radius ≤ j ≤ p_i + radius, with S the length of the memory and σ = radius / 2. In local-p, p gets
    its gradient through the Gaussian, and the weights sum to less than one, as in the paper. Positions count from 0. If
    the window of a query lies beyond its memory (local-m), its context is zero.

    Args:
        query_dim, memory_dim, hidden_dim: as for `Alignment`.
        score: as for `Alignment`, except "location".
        radius: D, the window size on each side.
        predict: whether to predict the center of the window (local-p) or to use the step number (local-m).

    Luong et al. 2015, arXiv:1508.04025, section 3.2, eq. 9-10.
    """

    def __init__(
        self,
        query_dim: int,
        memory_dim: int,
        *,
        score: AlignmentScore = "general",
        hidden_dim: int | None = None,
        radius: int = 10,
        predict: bool = True,
    ) -> None:
        super().__init__(query_dim, memory_dim, score=score, hidden_dim=hidden_dim)
        if radius < 1:
            raise ValueError(f"radius must be at least 1, got {radius}")
        self.radius, self.predict = radius, predict
        if predict:
            self.place_hidden = nn.Linear(query_dim, query_dim, bias=False)
            self.place_vector = nn.Linear(query_dim, 1, bias=False)

    def center(self, query: Tensor, graph: Bipartite, step: Tensor | None) -> Tensor:
        """p, `[M]`: the center of each query's window, in float32 or float64."""
        if not self.predict:
            if step is None:
                raise ValueError("local-m attention needs the step number, but step is None")
            return step.to(wide_dtype(query.dtype))
        sizes = graph.src_ptr.diff()[graph.batch]
        return sizes * wide(self.place_vector(self.place_hidden(query).tanh()).squeeze(1)).sigmoid()

    def forward(
        self, query: Tensor, memory: Tensor, graph: Graph, *, keys: Tensor | None = None, step: Tensor | None = None
    ) -> Aligned:
        """Attend to a window of the memory.

        Args:
            query: `[M, query_dim]`.
            memory: `[N, memory_dim]`.
            graph: `bipartite(queries per memory, sizes of the memories)`; the result has the graph of the windows.
            keys: `keys(memory)`, if already computed.
            step: t for local-m, `[M]`.

        Raises:
            TypeError: the graph is not bipartite.
            ValueError: `step` is missing for local-m.
        """
        if not isinstance(graph, Bipartite):
            raise TypeError(f"local attention needs a bipartite graph, got {type(graph).__name__}")
        center = self.center(query, graph, step)
        begin, end = graph.src_ptr[:-1][graph.batch], graph.src_ptr[1:][graph.batch]
        low = begin + (center.detach() - self.radius).ceil().long().clamp(min=0)
        high = (begin + (center.detach() + self.radius).floor().long() + 1).minimum(end)
        window = interval(low, high, graph.num_src)
        context, weights, *_ = super().forward(query, memory, window, keys=keys)
        if self.predict:
            src, dst = window.edge_index
            away = (src - begin[dst] - center[dst]) / (self.radius / 2)
            weights = weights * (-away.square() / 2).exp().to(weights.dtype)
            context = weighted_sum(weights.unsqueeze(1), memory.unsqueeze(1), window).squeeze(1)
        return Aligned(context, weights, window)


class HardAlignment(Alignment):
    """Hard attention of Show, Attend and Tell: each query attends to a single element.

        s_i ~ Multinoulli(α_i),   c_i = h_{s_i}

    In training the element is sampled, and `log_prob` of the result is passed to `Reinforce`; in evaluation it is the
    most likely one. The arguments are those of `Alignment`; the attribute `generator` may be set to a
    `torch.Generator`.

    Xu et al. 2015, arXiv:1502.03044, section 4.1. The paper also samples in evaluation, and in training uses the mean
    Σ_j α_ij h_j for a random half of the images to lower the variance.
    """

    generator: torch.Generator | None = None

    def forward(
        self, query: Tensor, memory: Tensor, graph: Graph, *, keys: Tensor | None = None, step: Tensor | None = None
    ) -> Aligned:
        """Attend to one element per query; the weights are one-hot."""
        soft = super().forward(query, memory, graph, keys=keys).weights.unsqueeze(1)
        if self.training:
            choice = sample_edges(soft, graph, generator=self.generator)
        else:
            choice = normalize_edges(soft, graph, "argmax")
        context = weighted_sum(choice, memory.unsqueeze(1), graph)
        log_prob = log_probability(choice, soft, graph).squeeze(1)
        return Aligned(context.squeeze(1), choice.squeeze(1), graph, log_prob)
