"""Recurrent decoders with attention: Bahdanau's attends before the recurrent step, Luong's after it."""

from __future__ import annotations

from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from graphattn.graph import Bipartite, bipartite
from graphattn.nn.checks import check_dropout
from graphattn.nn.recurrent.alignment import Aligned, Alignment
from graphattn.nn.recurrent.encoder import Encoded, check_cell


class DecoderState(NamedTuple):
    """The state of a decoder between two steps, for R sequences."""

    hidden: tuple[Tensor, ...]
    """state of the cell: (h,) of a GRU, (h, c) of an LSTM, `[R, hidden_dim]` each"""
    feature: Tensor
    """input of the output layer in the last step, `[R, hidden_dim]`"""
    position: Tensor
    """number of the next step, `[R]`"""


class Decoded(NamedTuple):
    """The outputs of a decoder with teacher forcing."""

    logits: Tensor
    """logits of the next token at each step, `[B, T, vocab_size]`"""
    alignments: Tensor
    """attention weights of each step over the packed memory, `[T, N]`"""
    log_prob: Tensor | None
    """log-probabilities of the sampled elements, `[B, T]`; hard attention only"""


class Source:
    """Encoded inputs with their keys and graphs, which are computed once for all steps."""

    def __init__(self, encoded: Encoded, align: Alignment) -> None:
        self.memory, self.sizes = encoded.memory, encoded.sizes
        self.keys = align.keys(self.memory)
        self._graphs: dict[int, Bipartite] = {}

    def graph(self, rows: int) -> Bipartite:
        """The graph from the inputs to `rows` decoder states, equally many consecutive states per input."""
        if rows not in self._graphs:
            each = [rows // len(self.sizes)] * len(self.sizes)
            self._graphs[rows] = bipartite(each, self.sizes, device=self.memory.device)
        return self._graphs[rows]


class RecurrentDecoder(nn.Module):
    """Base class of the two decoders, which map tokens to logits step by step.

    Args:
        vocab_size: the number of tokens.
        embed_dim: width of their embeddings.
        align: `Alignment`, `LocalAlignment` or `HardAlignment`; its `query_dim` is the width of the cell.
        summary_dim: width of the encoder's summary, which gives the initial state h_0 = tanh(W summary).
        cell: "gru" or "lstm"; when None as in the paper, "gru" for Bahdanau and "lstm" for Luong.
        dropout: dropout probability on embeddings and features.
    """

    papers_cell: ClassVar[Literal["gru", "lstm"]]

    def __init__(
        self,
        vocab_size: int,
        embed_dim: int,
        align: Alignment,
        summary_dim: int,
        *,
        cell: Literal["gru", "lstm"] | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_dropout(dropout)
        hidden_dim = align.query_dim
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.dropout = nn.Dropout(dropout)
        self.align = align
        self.start = nn.Linear(summary_dim, hidden_dim)
        fed_dim, joined_dim, feature_dim = self._widths(embed_dim)
        kind = nn.GRUCell if check_cell(self.papers_cell if cell is None else cell) == "gru" else nn.LSTMCell
        self.cell = kind(embed_dim + fed_dim, hidden_dim)
        self.output = nn.Linear(hidden_dim, vocab_size)
        self.join = nn.Linear(joined_dim, feature_dim)

    def begin(self, encoded: Encoded) -> DecoderState:
        """The state before the first step."""
        h = self.start(encoded.summary).tanh()
        hidden = (h,) if isinstance(self.cell, nn.GRUCell) else (h, torch.zeros_like(h))
        return DecoderState(hidden, torch.zeros_like(h), torch.zeros(h.shape[0], dtype=torch.int64, device=h.device))

    def source(self, encoded: Encoded) -> Source:
        """Prepare encoded inputs for `step`."""
        return Source(encoded, self.align)

    def step(self, tokens: Tensor, state: DecoderState, source: Source) -> tuple[Tensor, DecoderState]:
        """The logits of the next tokens, `[R, vocab_size]`, and the new state; the number of inputs divides R."""
        state, _ = self.move(self.embedding(tokens), state, source)
        return self.output(state.feature), state

    def forward(self, tokens: Tensor, encoded: Encoded) -> Decoded:
        """Predict the token after each of the given tokens (teacher forcing).

        Args:
            tokens: `[B, T]`; a start token first, and any padding after the end of a sequence.
            encoded: the B encoded inputs.

        Raises:
            ValueError: `tokens` is not `[B, T]` with T ≥ 1.
        """
        if tokens.ndim != 2 or len(tokens) != len(encoded.sizes) or tokens.shape[1] == 0:
            raise ValueError(f"tokens must be [{len(encoded.sizes)}, 1 or more], got {list(tokens.shape)}")
        source, state = self.source(encoded), self.begin(encoded)
        features, alignments, log_probs = [], [], []
        for embedded in self.dropout(self.embedding(tokens)).unbind(1):
            state, aligned = self.move(embedded, state, source)
            features.append(state.feature)
            alignments.append(_over_all_places(aligned))
            log_probs.append(aligned.log_prob)
        chosen = [log_prob for log_prob in log_probs if log_prob is not None]
        logits = self.output(self.dropout(torch.stack(features, dim=1)))
        return Decoded(logits, torch.stack(alignments), torch.stack(chosen, dim=1) if chosen else None)

    def move(self, embedded: Tensor, state: DecoderState, source: Source) -> tuple[DecoderState, Aligned]:
        """One step from embedded tokens, `[R, embed_dim]`."""
        raise NotImplementedError

    def _widths(self, embed_dim: int) -> tuple[int, int, int]:
        """The widths of the cell's input beside the token, of the input of `join`, and of its output."""
        raise NotImplementedError

    def _look(self, state: DecoderState, source: Source) -> Aligned:
        query = state.hidden[0]
        return self.align(query, source.memory, source.graph(query.shape[0]), keys=source.keys, step=state.position)

    def _next(self, fed: Tensor, state: DecoderState) -> DecoderState:
        hidden = self.cell(fed, state.hidden[0] if len(state.hidden) == 1 else state.hidden)
        return state._replace(hidden=(hidden,) if isinstance(hidden, Tensor) else hidden)


class BahdanauDecoder(RecurrentDecoder):
    """Attend with the previous state, then update the state with the context.

        c_i = align(s_{i−1}, memory),   s_i = cell([E y_{i−1}, c_i], s_{i−1})
        logits = W_o maxout(U [s_i, E y_{i−1}, c_i])

    The arguments are those of `RecurrentDecoder`.

    Bahdanau et al. 2015, arXiv:1409.0473, eq. 4-6 and appendix A.2. The output is computed from s_i as in eq. 4; the
    appendix uses s_{i−1} and has no biases. With an LSTM it is the decoder of Show, Attend and Tell (Xu et al. 2015,
    arXiv:1502.03044, section 3.1.2), except that there c_0 is also computed from the summary, the output layer adds
    instead of taking a maximum, and soft attention has a gate β on the context (section 4.2.1).
    """

    papers_cell = "gru"

    def _widths(self, embed_dim: int) -> tuple[int, int, int]:
        hidden_dim, memory_dim = self.align.query_dim, self.align.memory_dim
        return memory_dim, hidden_dim + embed_dim + memory_dim, 2 * hidden_dim

    def move(self, embedded: Tensor, state: DecoderState, source: Source) -> tuple[DecoderState, Aligned]:
        """One step from embedded tokens, `[R, embed_dim]`."""
        aligned = self._look(state, source)
        after = self._next(torch.cat([embedded, aligned.context], dim=1), state)
        joined = self.join(torch.cat([after.hidden[0], embedded, aligned.context], dim=1))
        feature = joined.view(len(joined), -1, 2).amax(dim=2)
        return DecoderState(after.hidden, feature, state.position + 1), aligned


class LuongDecoder(RecurrentDecoder):
    """Update the state, then attend with the new state.

        s_i = cell([E y_{i−1}, s̃_{i−1}], s_{i−1}),   c_i = align(s_i, memory)
        s̃_i = tanh(W_c [c_i, s_i]),   logits = W_o s̃_i

    The feature s̃ is an input of the next step ("input feeding"). The arguments are those of `RecurrentDecoder`.

    Luong et al. 2015, arXiv:1508.04025, eq. 5-6 and section 3.3; a single layer, whose initial state is a
    linear map of the encoder's last states; the paper stacks four layers initialized with those states.
    """

    papers_cell = "lstm"

    def _widths(self, embed_dim: int) -> tuple[int, int, int]:
        hidden_dim = self.align.query_dim
        return hidden_dim, self.align.memory_dim + hidden_dim, hidden_dim

    def move(self, embedded: Tensor, state: DecoderState, source: Source) -> tuple[DecoderState, Aligned]:
        """One step from embedded tokens, `[R, embed_dim]`."""
        after = self._next(torch.cat([embedded, state.feature], dim=1), state)
        aligned = self._look(after, source)
        feature = self.join(torch.cat([aligned.context, after.hidden[0]], dim=1)).tanh()
        return DecoderState(after.hidden, feature, state.position + 1), aligned


def _over_all_places(aligned: Aligned) -> Tensor:
    """The weights of all N elements of the memory, `[N]`, each of which has at most one query."""
    graph = aligned.graph
    return aligned.weights.new_zeros(graph.num_src).index_add(0, graph.edge_index[0], aligned.weights)
