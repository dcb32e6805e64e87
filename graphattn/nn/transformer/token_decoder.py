"""The Transformer decoder with token embedding and output layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphattn.graph import bipartite, causal
from graphattn.graph.rule import positions
from graphattn.nn.attention import MultiheadAttention
from graphattn.nn.plain import is_plain
from graphattn.nn.positions.sinusoidal import sinusoidal
from graphattn.nn.scripting import NotScriptable
from graphattn.nn.transformer.decoder import DecoderState, TransformerDecoder, TransformerDecoderLayer


class TokenDecoder(NotScriptable, nn.Module):
    """A Transformer decoder over tokens, with sinusoidal positions and tied input and output embeddings.

        x_i = √d E[token_i] + sine(i),   scores = E norm(decoder(x, memory))

    Args:
        num_tokens: the size of the vocabulary.
        embed_dim: d, width of the tokens.
        num_heads: attention heads; divides `embed_dim`.
        depth: the number of layers.
        cross: whether the layers have cross-attention to a memory.
        dropout: dropout probability on the embedding and in the layers.
        attention: called once per layer to make its self-attention, such as
            `lambda: MultiheadAttention(d, num_heads, num_kv_heads=1)`; the default attention when None.
        **options: further arguments of the layers, such as `ffn_dim`, `memory_dim`, `norm_first`.

    Shapes:
        tokens `[N]` → scores `[N, num_tokens]`.

    Vaswani et al. 2017, arXiv:1706.03762, section 3; tied embeddings: section 3.4. Pre-norm by default.
    """

    def __init__(
        self,
        num_tokens: int,
        embed_dim: int,
        num_heads: int,
        depth: int,
        *,
        cross: bool,
        dropout: float = 0.0,
        attention: Callable[[], MultiheadAttention] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self.num_tokens, self.embed_dim = num_tokens, embed_dim
        self.embedding = nn.Embedding(num_tokens, embed_dim)
        nn.init.normal_(self.embedding.weight, std=embed_dim**-0.5)
        self.dropout = nn.Dropout(dropout)
        layer = partial(TransformerDecoderLayer, embed_dim, num_heads, cross=cross, dropout=dropout, **options)
        layers = [layer(attention=None if attention is None else attention()) for _ in range(depth)]
        last = nn.LayerNorm(embed_dim) if options.get("norm_first", True) else None
        self.decoder = TransformerDecoder(layers, norm=last)

    def forward(
        self,
        tokens: Tensor,
        sizes: Sequence[int],
        memory: Tensor | None = None,
        memory_sizes: Sequence[int] | None = None,
    ) -> Tensor:
        """Next-token scores for each token of packed sequences of `sizes`.

        Raises:
            ValueError: the sizes do not add up to the number of tokens.
        """
        if sum(sizes) != len(tokens):
            raise ValueError(f"sizes add up to {sum(sizes)}, but there are {len(tokens)} tokens")
        x = self._embed(tokens, positions(tuple(sizes), tokens.device)[0])
        look = None if memory_sizes is None else bipartite(sizes, memory_sizes, device=x.device)
        return self._scores(self.decoder(x, causal(sizes, device=x.device), memory, look))

    def step(
        self, tokens: Tensor, state: DecoderState, sizes: Sequence[int] | None = None
    ) -> tuple[Tensor, DecoderState]:
        """Next-token scores of each sequence and the new state; a `Step` of `graphattn.nn.generation`.

        Args:
            tokens: the next token of each sequence, `[B]`, or with `sizes` one prompt per sequence, packed.
            state: from `decoder.start` or the previous step.
            sizes: the lengths of the prompts.

        Returns:
            Scores `[B, num_tokens]` of the token that follows, and the new state.
        """
        before = () if state[0].own is None else state[0].own.sizes
        if sizes is None:
            position = torch.tensor(before or (0,) * len(tokens), device=tokens.device)
        else:
            position = positions(tuple(sizes), tokens.device)[0]
        out, state = self.decoder.step(self._embed(tokens, position), state, sizes)
        if sizes is not None:
            out = out[torch.tensor(sizes, device=out.device).cumsum(0) - 1]
        return self._scores(out), state

    def _embed(self, tokens: Tensor, position: Tensor) -> Tensor:
        x = self.embedding(tokens) * self.embed_dim**0.5
        return self.dropout(x + sinusoidal(position, self.embed_dim).to(x.dtype))

    def _scores(self, x: Tensor) -> Tensor:
        if is_plain(self.embedding, nn.Embedding):
            return F.linear(x, self.embedding.weight)
        return F.linear(x, self.embedding(torch.arange(self.num_tokens, device=x.device)))
