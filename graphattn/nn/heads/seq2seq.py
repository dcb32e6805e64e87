"""A head that generates one sequence per graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphattn.graph import Graph, as_graph
from graphattn.nn.generation import Hypothesis, beam_search
from graphattn.nn.positions.place import sizes_of
from graphattn.nn.scripting import NotScriptable
from graphattn.nn.transformer.token_decoder import TokenDecoder


class Seq2SeqHead(NotScriptable, nn.Module):
    """One sequence per graph, from a Transformer decoder that attends to the nodes of any encoder.

        p(y | x) = Π_t softmax(decoder(start, y_1, ..., y_(t−1); x))_(y_t),   y_T = end

    Args:
        num_tokens: the size of the vocabulary, including `start` and `end`.
        embed_dim: width of the decoder's tokens.
        num_heads: attention heads; divides `embed_dim`.
        depth: the number of layers.
        start: the token before the first.
        end: the token after the last.
        **options: further arguments of `TokenDecoder`, such as `memory_dim`, the width of the nodes, if it is not
            `embed_dim`.

    Shapes:
        x `[N, memory_dim]`, a batch of G graphs → G sequences.

    Sutskever et al. 2014, arXiv:1409.3215; Vaswani et al. 2017, arXiv:1706.03762.
    """

    def __init__(
        self, num_tokens: int, embed_dim: int, num_heads: int, depth: int, *, start: int, end: int, **options: Any
    ) -> None:
        super().__init__()
        self.start, self.end = start, end
        self.tokens = TokenDecoder(num_tokens, embed_dim, num_heads, depth, cross=True, **options)

    def forward(self, x: Tensor, graph: Graph | Tensor, tokens: Tensor, sizes: Sequence[int]) -> Tensor:
        """Next-token scores for packed sequences of `sizes` that begin with `start`."""
        return self.tokens(tokens, sizes, x, _sizes(x, graph))

    def loss(
        self, x: Tensor, graph: Graph | Tensor, targets: Sequence[Tensor], *, label_smoothing: float = 0.0
    ) -> Tensor:
        """The mean cross-entropy per token with teacher forcing.

        Args:
            x: the nodes, `[N, memory_dim]`.
            graph: a batch of G graphs over the nodes.
            targets: G sequences of integers, without start and end tokens.
            label_smoothing: as in `torch.nn.functional.cross_entropy`.

        Raises:
            ValueError: the number of targets is not G, or x does not have one row per node.
        """
        if len(targets) != len(_sizes(x, graph)):
            raise ValueError(f"targets holds a sequence for each of {len(_sizes(x, graph))} graphs, got {len(targets)}")
        start, end = (torch.tensor([token], device=x.device) for token in (self.start, self.end))
        given = torch.cat([torch.cat([start, target]) for target in targets])
        wanted = torch.cat([torch.cat([target, end]) for target in targets])
        scores = self(x, graph, given, [len(target) + 1 for target in targets])
        return F.cross_entropy(scores, wanted, label_smoothing=label_smoothing)

    @torch.no_grad()
    def generate(
        self, x: Tensor, graph: Graph | Tensor, *, max_length: int, num_beams: int = 1, length_penalty: float = 0.6
    ) -> list[list[Hypothesis]]:
        """The best sequences of each graph by `beam_search` (greedy search for one beam). Call it in eval mode."""
        sizes = _sizes(x, graph)
        state = self.tokens.decoder.start(x, sizes)
        start = torch.full((len(sizes),), self.start, device=x.device)
        return beam_search(
            self.tokens.step, state, start, end=self.end, max_length=max_length, num_beams=num_beams,
            length_penalty=length_penalty,
        )  # fmt: skip


def _sizes(x: Tensor, graph: Graph | Tensor) -> tuple[int, ...]:
    """The number of nodes of each graph in the batch."""
    return sizes_of(as_graph(graph, x.shape[0], x.shape[0]))[0]
