"""The Transformer: an encoder that sees all, and a decoder that looks at it while it writes."""

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
    """Sequence to sequence: complete graphs in the encoder, causal and bipartite ones in the decoder.

    It is a `TextEncoder` with a `Seq2SeqHead`. Sequences lie packed, so there is no padding and no mask.

    Args:
        num_source_tokens: the size of the source's vocabulary.
        num_target_tokens: the size of the target's, `start` and `end` among it.
        start: the token before the first of a target.
        end: the token after its last.
        embed_dim: width.
        num_heads: attention heads; divides `embed_dim`.
        depth: layers of the encoder, and of the decoder.
        dropout: as in the paper: on embeddings and branches.
        **options: what else the layers take, such as `ffn_dim`, or `attention`, which makes one for each layer (see
            `TokenDecoder`). They are pre-norm unless `norm_first` is False.

    Shapes:
        source `[S]`, packed; targets, one tensor for each sequence → a loss, or sequences.

    Vaswani et al. 2017, arXiv:1706.03762, figure 1; pre-norm, and the source's embedding is not scaled.
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
        nn.init.normal_(self.encoder.embedding.weight)  # as large as the sines beside it
        self.head = Seq2SeqHead(
            num_target_tokens, embed_dim, num_heads, depth, start=start, end=end, dropout=dropout, **options
        )

    def loss(
        self, source: Tensor, sizes: Sequence[int], targets: Sequence[Tensor], *, label_smoothing: float = 0.0
    ) -> Tensor:
        """The mean cross-entropy of a token of the targets (see `Seq2SeqHead.loss`)."""
        graph = complete(sizes, device=source.device)
        return self.head.loss(self.encoder(source, graph), graph, targets, label_smoothing=label_smoothing)

    def generate(
        self, source: Tensor, sizes: Sequence[int], *, max_length: int, **options: Any
    ) -> list[list[Hypothesis]]:
        """The best targets of each source (see `Seq2SeqHead.generate`)."""
        graph = complete(sizes, device=source.device)
        return self.head.generate(self.encoder(source, graph), graph, max_length=max_length, **options)
