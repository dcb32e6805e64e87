"""The pointer network: output sequences of input positions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from graphattn.graph import Bipartite, bipartite
from graphattn.nn.recurrent.packed_rnn import run_packed
from graphattn.ops.attention import attention
from graphattn.ops.scores import Additive
from graphattn.ops.state import State


class PointerNetwork(nn.Module):
    """Predict a sequence of elements of a set; the attention weights are the output distribution.

        u_ij = ⟨v, tanh(W_1 e_j + W_2 d_i)⟩,   p(y_i = j | y_1, ..., y_{i−1}, x) = softmax_j u_ij

    e_j are the states of a bidirectional LSTM over the set, d_i those of an LSTM over the elements selected so far.
    Each set has an additional learned element, which ends the sequence; no element is selected twice.

    Args:
        in_dim: width of an element.
        hidden_dim: width of the decoder and of the score; each direction of the encoder has half of it.

    Vinyals et al. 2015, arXiv:1506.03134, section 2.3. There the encoder is unidirectional, and repeated elements are
    excluded only for some tasks; always excluding them follows Bello et al. 2017, arXiv:1611.09940, appendix A.1.

    Example:
        >>> import torch, graphattn as ga
        >>> network = ga.models.PointerNetwork(2, hidden_dim=16)
        >>> points = [torch.rand(5, 2), torch.rand(4, 2)]
        >>> network(points, [torch.tensor([2, 0, 1]), torch.tensor([3])]).shape  # log-probabilities of the two answers
        torch.Size([2])
        >>> [bool(len(places) <= len(x)) for places, x in zip(network.point(points), points)]
        [True, True]
    """

    def __init__(self, in_dim: int, hidden_dim: int = 128) -> None:
        super().__init__()
        if hidden_dim < 2 or hidden_dim % 2:
            raise ValueError(f"hidden_dim must be even and at least 2, got {hidden_dim}")
        self.embed = nn.Linear(in_dim, hidden_dim)
        self.stop = nn.Parameter(torch.randn(1, hidden_dim))
        self.first = nn.Parameter(torch.randn(1, hidden_dim))
        self.encoder = nn.LSTM(hidden_dim, hidden_dim // 2, bidirectional=True)
        self.decoder = nn.LSTM(hidden_dim, hidden_dim)
        self.key = nn.Linear(hidden_dim, hidden_dim)
        self.query = nn.Linear(hidden_dim, hidden_dim, bias=False)
        self.vector = nn.Parameter(torch.empty(1, hidden_dim).uniform_(-1, 1) * hidden_dim**-0.5)

    def forward(self, sets: Sequence[Tensor], places: Sequence[Tensor]) -> Tensor:
        """The log-probability of answers, `[B]`.

        All steps of all answers are one call of the operator, on the bipartite graph from sets to answers with visited
        elements masked: the log-probability of an element is its score minus the log-sum-exp of all scores.

        Args:
            sets: the elements of each set, `[n, in_dim]`.
            places: the answer for each set, `[m]` distinct integers from 0 to n − 1.

        Raises:
            ValueError: the numbers of answers and sets differ, or an answer has an index out of range or a duplicate.
        """
        query, keys, graph, hidden, right = self._all_steps(sets, places)
        score, nothing = self._score(), keys.new_zeros(len(keys), 1, 1)
        state = attention(query, keys, nothing, graph, score=score, edge_bias=hidden, return_state=True)
        assert isinstance(state, State)
        log_p = (score(query, keys.index_select(0, right), None, 1.0) - state.lse).squeeze(1)
        return log_p.new_zeros(len(sets)).index_add(0, graph.batch, log_p)

    @torch.no_grad()
    def weights(self, x: Tensor, places: Tensor) -> Tensor:
        """The attention weights of each step of an answer for one set, `[m + 1, n + 1]`; the last column is the end.

        Args:
            x: the elements, `[n, in_dim]`.
            places: the answer, `[m]`, used for teacher forcing.
        """
        query, keys, graph, hidden, _ = self._all_steps([x], [places])
        _, weights = attention(query, keys, keys, graph, score=self._score(), edge_bias=hidden, return_weights=True)
        return weights.view(len(places) + 1, len(x) + 1)

    def _all_steps(
        self, sets: Sequence[Tensor], places: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, Bipartite, Tensor, Tensor]:
        """Queries, keys, graph, the bias that masks visited elements, and the target of each query."""
        if len(sets) != len(places):
            raise ValueError(f"places holds one answer for each set, got {len(places)} for {len(sets)} sets")
        sizes = [len(x) + 1 for x in sets]
        lengths = [len(answer) + 1 for answer in places]
        size, length = (torch.tensor(counts, device=places[0].device) for counts in (sizes, lengths))
        inside = size.repeat_interleave(length - 1) - 1
        answered = torch.cat(list(places))
        if bool(((answered < 0) | (answered >= inside)).any()):
            raise ValueError(
                f"places counts the elements of each set from 0, but of {answered.tolist()} one is not there"
            )
        embedded, keys, state = self._encode(sets)
        graph = bipartite(lengths, sizes, device=keys.device)
        ends = (graph.src_ptr.diff() - 1).split(1)
        with_end = torch.cat([part for pair in zip(places, ends, strict=True) for part in pair])
        right = with_end + graph.src_ptr[graph.batch]
        if len(right.unique()) < len(right):
            raise ValueError("places names an element twice in one answer")
        step = torch.arange(len(right), device=right.device) - graph.dst_ptr[graph.batch]
        pointed = embedded.index_select(0, right.roll(1))
        fed = torch.where((step == 0).unsqueeze(1), self.first, pointed)
        states, _ = run_packed(self.decoder, fed, lengths, state)
        visited_at = torch.full((len(keys),), len(step), device=right.device).index_put((right,), step)
        src, dst = graph.edge_index
        hidden = torch.where(visited_at[src] < step[dst], -torch.inf, 0.0).to(keys.dtype).unsqueeze(1)
        return self.query(states).unsqueeze(1), keys, graph, hidden, right

    @torch.no_grad()
    def point(self, sets: Sequence[Tensor]) -> list[Tensor]:
        """Greedy decoding: the most likely element at each step; one tensor of positions `[m]` per set.

        Each step is attention with the normalizer "argmax" and the embeddings as values, so that the output is the next
        input of the decoder.
        """
        sizes = [len(x) + 1 for x in sets]
        embedded, keys, state = self._encode(sets)
        graph = bipartite([1] * len(sizes), sizes, device=keys.device)
        hidden = keys.new_zeros(len(keys), 1)  # one per edge, that is, one per source
        ends = graph.src_ptr[1:] - 1
        fed = self.first.expand(len(sizes), -1)
        picked = []
        for _ in range(max(sizes)):
            states, state = self.decoder(fed.unsqueeze(0), state)
            query = self.query(states[0]).unsqueeze(1)
            out, weights = attention(
                query, keys, embedded.unsqueeze(1), graph, score=self._score(), normalize="argmax", edge_bias=hidden,
                return_weights=True,
            )  # fmt: skip
            fed = out.squeeze(1)
            place = weights.squeeze(1).nonzero().squeeze(1)
            picked.append(place)
            hidden = hidden.index_fill(0, place[place != ends], -torch.inf)
        answers = torch.stack(picked, dim=1)  # [B, steps]; entries after the end are arbitrary
        return [
            answer[: int((answer == end).nonzero()[0])] - (end + 1 - size)
            for answer, end, size in zip(answers, ends, sizes, strict=True)
        ]

    def _encode(self, sets: Sequence[Tensor]) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
        """Packed embeddings and keys of all elements, including the end elements, and the initial decoder state."""
        sizes = [len(x) + 1 for x in sets]
        embedded = self.embed(torch.cat(list(sets)))
        with_stop = torch.cat([part for x in embedded.split([len(x) for x in sets]) for part in (x, self.stop)])
        states, (h, c) = run_packed(self.encoder, with_stop, sizes)
        keys = self.key(states).unsqueeze(1)
        return with_stop, keys, (torch.cat([*h], -1).unsqueeze(0), torch.cat([*c], -1).unsqueeze(0))

    def _score(self) -> Additive:
        return Additive(self.vector, "tanh")
