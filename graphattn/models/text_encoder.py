"""Tokens in, a vector for each out."""

from __future__ import annotations

from torch import Tensor, nn

from graphattn.graph import Graph, as_graph
from graphattn.nn.positions import places


class TextEncoder(nn.Module):
    """An embedding of tokens and of their places, then any encoder.

        out = encoder(dropout(E[token_i] + p(i)))

    With `GraphHead(pooling="first")` after it, or with `MaskedLanguageHead`, it is BERT.

    Args:
        num_tokens: the size of the vocabulary.
        embed_dim: width.
        encoder: called as `encoder(x, graph)`: a `TransformerEncoder`, or one of `graphattn.models.encoders`.
        positions: from the place of each token to a vector, such as `LearnedPositions` or `SinusoidalPositions`; None
            where the encoder has its own or the order is not to matter.
        dropout: on the embedding, in training.

    Shapes:
        tokens `[N]`, packed sequences → `[N, embed_dim]`.

    Devlin et al. 2019, arXiv:1810.04805, figure 2, without its segments.
    """

    def __init__(
        self,
        num_tokens: int,
        embed_dim: int,
        encoder: nn.Module,
        *,
        positions: nn.Module | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_tokens, embed_dim)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.positions, self.encoder, self.dropout = positions, encoder, nn.Dropout(dropout)

    def forward(self, tokens: Tensor, graph: Graph) -> Tensor:
        """One vector for each token; the graph is `ga.complete(sizes)` unless the encoder asks for another.

        Raises:
            ValueError: the graph has not a node for each token.
        """
        graph = as_graph(graph, tokens.shape[0], tokens.shape[0])
        x = self.embedding(tokens)
        if self.positions is not None:
            x = x + self.positions(places(graph)[0]).to(x.dtype)
        return self.encoder(self.dropout(x), graph)
