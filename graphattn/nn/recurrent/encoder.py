"""A bidirectional recurrent encoder, whose states are the memory of an attending decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from graphattn.nn.checks import check_dropout
from graphattn.nn.recurrent.packed_rnn import run_packed


class Encoded(NamedTuple):
    """The outputs of an encoder for B inputs."""

    memory: Tensor
    """states of the elements (words, patches), packed one input after another, `[N, C]`"""
    sizes: list[int]
    """number of elements of each input; they add up to N"""
    summary: Tensor
    """one vector per input, `[B, S]`, for the initial state of a decoder"""


class RecurrentEncoder(nn.Module):
    """Encode the words of sentences by a bidirectional GRU or LSTM.

        h_j = [→h_j, ←h_j],   summary = [→h_S, ←h_1]

    Sentences of different lengths are packed, without computation on padding.

    Args:
        vocab_size: the number of tokens.
        embed_dim: width of their embeddings.
        hidden_dim: width of each direction; the memory has twice that.
        cell: "gru" (Bahdanau) or "lstm".
        num_layers: number of stacked layers.
        dropout: dropout probability on the embeddings and between layers.

    Bahdanau et al. 2015, arXiv:1409.0473, section 3.2; its decoder's initial state is computed from ←h_1 alone.

    Example:
        >>> import torch, graphattn as ga
        >>> encoder = ga.nn.RecurrentEncoder(100, 8, 16)
        >>> encoded = encoder([torch.tensor([5, 3, 7]), torch.tensor([2])])
        >>> encoded.memory.shape, encoded.sizes, encoded.summary.shape
        (torch.Size([4, 32]), [3, 1], torch.Size([2, 32]))
    """

    def __init__(
        self,
        vocab_size: int,
        embed_dim: int,
        hidden_dim: int,
        *,
        cell: Literal["gru", "lstm"] = "gru",
        num_layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_dropout(dropout)
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.dropout = nn.Dropout(dropout)
        self.rnn = _CELLS[check_cell(cell)](
            embed_dim, hidden_dim, num_layers, bidirectional=True, dropout=dropout if num_layers > 1 else 0.0
        )
        self.memory_dim = self.summary_dim = 2 * hidden_dim

    def forward(self, sequences: Sequence[Tensor]) -> Encoded:
        """Encode sentences.

        Args:
            sequences: the tokens of each sentence, integers; at least one sentence, none of them empty.

        Raises:
            ValueError: there are no sentences, or a sentence is empty.
        """
        sizes = [len(sequence) for sequence in sequences]
        if not sizes or min(sizes) == 0:
            raise ValueError(f"sequences must be one or more, none of them empty; got sizes {sizes}")
        embedded = self.dropout(self.embedding(torch.cat(list(sequences))))
        memory, last = run_packed(self.rnn, embedded, sizes)
        last = last[0] if isinstance(last, tuple) else last
        return Encoded(memory, sizes, torch.cat([last[-2], last[-1]], dim=1))


_CELLS = {"gru": nn.GRU, "lstm": nn.LSTM}


def check_cell(cell: str) -> str:
    """Return the name of a recurrent cell after checking it.

    Raises:
        ValueError: `cell` is neither "gru" nor "lstm".
    """
    if cell not in _CELLS:
        raise ValueError(f'cell is "gru" or "lstm", got {cell!r}')
    return cell
