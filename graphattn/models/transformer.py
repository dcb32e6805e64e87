"""The encoder-decoder Transformer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from graphattn.graph import complete
from graphattn.models.encoders import transformer
from graphattn.models.text_encoder import TextEncoder
from graphattn.nn.generation import Hypothesis
from graphattn.nn.heads.seq2seq import Seq2SeqHead
from graphattn.nn.positions import SinusoidalPositions


class Transformer(nn.Module):
    """Sequence to sequence, with complete graphs in the encoder, causal and bipartite graphs in the decoder.

    Built from a `TextEncoder` and a `Seq2SeqHead`. Sequences are packed, without padding and masks.

    Args:
        num_source_tokens: the size of the source vocabulary.
        num_target_tokens: the size of the target vocabulary, including `start` and `end`.
        start: the start token of targets.
        end: the end token of targets.
        embed_dim: width.
        num_heads: attention heads; divides `embed_dim`.
        depth: number of layers of the encoder and of the decoder.
        dropout: dropout probability on embeddings and branches, as in the paper.
        **options: further arguments of the layers, such as `ffn_dim`, or `attention`, called once per layer to make its
            attention (see `TokenDecoder`). Layers are pre-norm unless `norm_first` is False.

    Shapes:
        source `[S]`, packed; targets, one tensor per sequence → a loss, or sequences.

    Vaswani et al. 2017, arXiv:1706.03762, figure 1; pre-norm, and the source embedding is not scaled.
    """

    def __init__(
        self,
        num_source_tokens: int,
        num_target_tokens: int,
        *,
        start: int,
        end: int,
        embed_dim: int = 256,
        num_heads: int = 4,
        depth: int = 3,
        dropout: float = 0.1,
        **options: Any,
    ) -> None:
        super().__init__()
        encoder = transformer(embed_dim, num_heads, depth, dropout=dropout, **options)
        sine = SinusoidalPositions(embed_dim)
        self.encoder = TextEncoder(num_source_tokens, embed_dim, encoder, positions=sine, dropout=dropout)
        nn.init.normal_(self.encoder.embedding.weight)  # on the scale of the sinusoidal positions
        self.head = Seq2SeqHead(
            num_target_tokens, embed_dim, num_heads, depth, start=start, end=end, dropout=dropout, **options
        )

    def loss(
        self, source: Tensor, sizes: Sequence[int], targets: Sequence[Tensor], *, label_smoothing: float = 0.0
    ) -> Tensor:
        """The mean cross-entropy per target token (see `Seq2SeqHead.loss`)."""
        graph = complete(sizes, device=source.device)
        return self.head.loss(self.encoder(source, graph), graph, targets, label_smoothing=label_smoothing)

    def generate(
        self, source: Tensor, sizes: Sequence[int], *, max_length: int, **options: Any
    ) -> list[list[Hypothesis]]:
        """The best targets of each source (see `Seq2SeqHead.generate`)."""
        graph = complete(sizes, device=source.device)
        return self.head.generate(self.encoder(source, graph), graph, max_length=max_length, **options)
