"""The head of masked language modeling."""

from __future__ import annotations

from torch import Tensor, nn


class MaskedLanguageHead(nn.Module):
    """Scores over the vocabulary for masked tokens.

        scores_i = E norm(gelu(W x_i + b)) + c,   E the embedding of the tokens

    Args:
        embedding: the encoder's token embedding, whose weight is shared, not copied.

    Shapes:
        x `[N, embed_dim]` → `[N, num_tokens]`. Apply it to the selected nodes only: `head(x[chosen])`.

    Devlin et al. 2019, arXiv:1810.04805, section 3.1, as in its code.
    """

    def __init__(self, embedding: nn.Embedding) -> None:
        super().__init__()
        num_tokens, embed_dim = embedding.weight.shape
        self.transform = nn.Sequential(nn.Linear(embed_dim, embed_dim), nn.GELU(), nn.LayerNorm(embed_dim))
        self.out = nn.Linear(embed_dim, num_tokens)
        self.out.weight = embedding.weight
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the scores."""
        return self.out(self.transform(x))
