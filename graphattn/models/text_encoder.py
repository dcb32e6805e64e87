"""Token and position embeddings followed by an encoder."""

from __future__ import annotations

from torch import Tensor, nn

from graphattn.graph import Graph, as_graph
from graphattn.nn.positions import places


class TextEncoder(nn.Module):
    """Token embedding plus position encoding, followed by any encoder.

        out = encoder(dropout(E[token_i] + p(i)))

    With `GraphHead(pooling="first")` or `MaskedLanguageHead` on top this is BERT.

    Args:
        num_tokens: the size of the vocabulary.
        embed_dim: width.
        encoder: called as `encoder(x, graph)`: a `TransformerEncoder`, or one of `graphattn.models.encoders`.
        positions: position encoding, such as `LearnedPositions` or `SinusoidalPositions`; None for none.
        dropout: dropout probability on the embedding.

    Shapes:
        tokens `[N]`, packed sequences → `[N, embed_dim]`.

    Devlin et al. 2019, arXiv:1810.04805, figure 2, without segment embeddings.
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
        """Encode packed tokens; the graph is `ga.complete(sizes)` unless the encoder needs another one.

        Raises:
            ValueError: the graph does not have one node per token.
        """
        graph = as_graph(graph, tokens.shape[0], tokens.shape[0])
        x = self.embedding(tokens)
        if self.positions is not None:
            x = x + self.positions(places(graph)[0]).to(x.dtype)
        return self.encoder(self.dropout(x), graph)
