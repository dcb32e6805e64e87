"""The Transformer decoder: causal self-attention and cross-attention to a memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from graphattn.graph import Graph, bipartite, causal
from graphattn.graph.rule import positions
from graphattn.nn.attention import MultiheadAttention
from graphattn.nn.plain import is_plain
from graphattn.nn.scripting import NotScriptable
from graphattn.nn.transformer.kv_cache import KeyValueCache
from graphattn.nn.transformer.residual import feed_forward, residual


class LayerState(NamedTuple):
    """The keys and values that a decoder layer caches during generation."""

    own: KeyValueCache | None
    """keys and values of the tokens so far; None before the first token"""
    memory: KeyValueCache | None
    """keys and values of the memory, which do not change; None without cross-attention"""


DecoderState = tuple[LayerState, ...]


class TransformerDecoderLayer(NotScriptable, nn.Module):
    """A decoder layer: causal self-attention, cross-attention to a memory, and a feed-forward network.

        y = x + dropout(MHA(norm(x)))                     on a causal graph
        z = y + dropout(MHA(norm(y), memory))             on a bipartite graph
        out = z + dropout(FFN(norm(z)))

    With `norm_first=False` the norms follow the sums instead, as in `GraphTransformerLayer`.

    Args:
        embed_dim: width of the tokens' features.
        num_heads: attention heads; divides `embed_dim`.
        memory_dim: width of the memory; `embed_dim` when None.
        ffn_dim: hidden width of the feed-forward network; 4 · `embed_dim` when None.
        dropout: dropout probability in the feed-forward network and on all branches.
        attention_dropout: dropout probability on the attention weights.
        attention: a `MultiheadAttention` for the self-attention, instead of one built from these options; for example
            one with fewer key heads or rotary positions.
        cross: whether the layer has cross-attention; a language model has none.
        norm_first: whether the norms come before the branches (pre-norm) or after the sums (post-norm).
        activation: activation of the feed-forward network; GELU when None.

    Shapes:
        x `[N, embed_dim]`, memory `[S, memory_dim]` → `[N, embed_dim]`.

    Vaswani et al. 2017, arXiv:1706.03762, section 3.1.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        *,
        memory_dim: int | None = None,
        ffn_dim: int | None = None,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        attention: MultiheadAttention | None = None,
        cross: bool = True,
        norm_first: bool = True,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if attention is None:
            attention = MultiheadAttention(embed_dim, num_heads, dropout=attention_dropout)
        elif attention_dropout:
            raise ValueError("attention_dropout is an option of the module attention")
        self.attention_norm = nn.LayerNorm(embed_dim)
        self.attention = attention
        self.cross_norm = nn.LayerNorm(embed_dim) if cross else None
        self.cross_attention = (
            MultiheadAttention(embed_dim, num_heads, kdim=memory_dim, dropout=attention_dropout) if cross else None
        )
        self.ffn_norm = nn.LayerNorm(embed_dim)
        self.ffn = feed_forward(embed_dim, ffn_dim, activation, dropout)
        self.dropout = nn.Dropout(dropout)
        self.norm_first = norm_first

    def forward(
        self,
        x: Tensor,
        graph: Graph,
        memory: Tensor | None = None,
        memory_graph: Graph | None = None,
        **options: Any,
    ) -> Tensor:
        """Process all tokens at once, as in training.

        Args:
            x: features of the tokens, `[N, embed_dim]`.
            graph: the self-attention graph, such as `ga.causal(sizes)`.
            memory: features of the memory, `[S, memory_dim]`.
            memory_graph: the cross-attention graph, such as `ga.bipartite(sizes, memory_sizes)`.
            **options: further arguments of the self-attention: `edge_bias`, `position`.

        Raises:
            ValueError: the memory is missing, or it is given to a layer without cross-attention.
        """
        if (self.cross_attention is None) != (memory is None) or (memory is None) != (memory_graph is None):
            has = "has" if self.cross_attention is not None else "does not have"
            raise ValueError(f"memory and memory_graph are for cross-attention, which this layer {has}")
        x = self._residual(x, partial(self.attention, graph=graph, **options), self.attention_norm)
        if self.cross_attention is not None:
            look = partial(self.cross_attention, graph=memory_graph, key=memory)
            x = self._residual(x, look, self.cross_norm)
        return self._residual(x, self.ffn, self.ffn_norm)

    def start(self, memory: Tensor | None, sizes: Sequence[int]) -> LayerState:
        """The state before the first token, for packed memories of these sizes."""
        if self.cross_attention is None or memory is None:
            return LayerState(None, None)
        if is_plain(self.cross_attention, MultiheadAttention):
            return LayerState(None, KeyValueCache(*self.cross_attention.keys_and_values(memory), tuple(sizes)))
        return LayerState(None, KeyValueCache(None, memory, tuple(sizes)))

    def step(
        self, x: Tensor, graph: Graph, state: LayerState, sizes: Sequence[int], position: Tensor, **options: Any
    ) -> tuple[Tensor, LayerState]:
        """Process the next tokens of each sequence and return their outputs and the new state.

        Args:
            x: features of the new tokens, packed.
            graph: bipartite graph from all tokens so far, including the new ones, to the new ones.
            state: the state before these tokens.
            sizes: the number of new tokens of each sequence.
            position: the positions of the new tokens.
            **options: further arguments of the self-attention.

        Keys and values are cached. If the attention module was modified (see `is_plain`), it must be called, so its
        inputs are cached instead.
        """
        own = state.own

        def attend(y: Tensor) -> Tensor:
            nonlocal own
            if not is_plain(self.attention, MultiheadAttention):
                own = KeyValueCache(None, y, tuple(sizes)) if own is None else own.append(None, y, sizes)
                places = positions(own.sizes, y.device)[0]
                return self.attention(y, graph, own.v, position=position, key_position=places, **options)
            k, v = self.attention.keys_and_values(y, position=position)
            own = KeyValueCache(k, v, tuple(sizes)) if own is None else own.append(k, v, sizes)
            q = self.attention.queries(y, position)
            return self.attention.attend(q, own.k, own.v, graph, **options)  # type: ignore[return-value]

        def look(y: Tensor) -> Tensor:
            assert self.cross_attention is not None and state.memory is not None
            kept = state.memory
            if not is_plain(self.cross_attention, MultiheadAttention):
                return self.cross_attention(y, kept.seen_by(sizes), kept.v)
            q = self.cross_attention.queries(y)
            return self.cross_attention.attend(q, kept.k, kept.v, kept.seen_by(sizes))  # type: ignore[return-value]

        x = self._residual(x, attend, self.attention_norm)
        if self.cross_attention is not None:
            x = self._residual(x, look, self.cross_norm)
        return self._residual(x, self.ffn, self.ffn_norm), LayerState(own, state.memory)

    def _residual(self, x: Tensor, branch: Any, norm: nn.Module | None) -> Tensor:
        assert norm is not None
        return residual(x, branch, norm, self.dropout, self.norm_first)


class TransformerDecoder(NotScriptable, nn.Module):
    """A stack of decoder layers, which runs on all tokens at once or step by step.

    Args:
        layers: each a `TransformerDecoderLayer`, all with cross-attention or all without.
        norm: final norm, needed by pre-norm layers; None for none.
        bias: computes the `edge_bias` of all layers, such as `RelativeBias(num_heads, bidirectional=False)` or `ALiBi`;
            called with a graph and the positions of its nodes. None for none.

    Shapes:
        x `[N, embed_dim]`, memory `[S, memory_dim]` → `[N, embed_dim]`.

    Example:
        >>> import torch, graphattn as ga
        >>> decoder = ga.nn.TransformerDecoder([ga.nn.TransformerDecoderLayer(16, num_heads=4)])
        >>> x, memory = torch.randn(5, 16), torch.randn(7, 16)  # two sequences each, packed
        >>> whole = decoder(x, ga.causal([3, 2]), memory, ga.bipartite([3, 2], [4, 3]))
        >>> out, state = decoder.step(x[[0, 3]], decoder.start(memory, [4, 3]))  # the first token of each
        >>> torch.allclose(out, whole[[0, 3]], atol=1e-6)
        True

    Vaswani et al. 2017, arXiv:1706.03762, section 3.1.
    """

    def __init__(
        self,
        layers: Iterable[TransformerDecoderLayer],
        *,
        norm: nn.Module | None = None,
        bias: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.norm, self.bias = norm, bias

    def forward(
        self,
        x: Tensor,
        graph: Graph,
        memory: Tensor | None = None,
        memory_graph: Graph | None = None,
        **options: Any,
    ) -> Tensor:
        """Run all layers; the arguments are those of `TransformerDecoderLayer.forward`.

        Raises:
            ValueError: as in a layer, or `edge_bias` is given although the decoder has `bias`.
        """
        if self.bias is not None:
            if "edge_bias" in options:
                raise ValueError("edge_bias is given, but the decoder computes it by its own bias")
            options["edge_bias"] = self.bias(graph)
        for layer in self.layers:
            x = layer(x, graph, memory, memory_graph, **options)
        return x if self.norm is None else self.norm(x)

    def start(self, memory: Tensor | None = None, sizes: Sequence[int] = ()) -> DecoderState:
        """The state before the first token, as used by `graphattn.nn.generation`.

        Args:
            memory: `[Σ sizes, memory_dim]`; None for a decoder without cross-attention.
            sizes: the memory size of each sequence.
        """
        layers: Any = self.layers
        return tuple(layer.start(memory, sizes) for layer in layers)

    def step(self, x: Tensor, state: DecoderState, sizes: Sequence[int] | None = None) -> tuple[Tensor, DecoderState]:
        """Process the next token of each sequence, `[B, embed_dim]` → `[B, embed_dim]`, and return the new state.

        A token attends to itself and all earlier tokens, as on `ga.causal`.

        Args:
            x: features of the tokens.
            state: from `start` or from the previous step.
            sizes: the number of tokens of each sequence, packed, for a prompt in the first step; one each when None.

        Raises:
            ValueError: several tokens per sequence are given after the first step.
        """
        kept = state[0].own
        sizes = (1,) * len(x) if sizes is None else tuple(sizes)
        before = (0,) * len(sizes) if kept is None else kept.sizes
        after = tuple(old + new for old, new in zip(before, sizes, strict=True))
        graph: Graph
        if not any(before):
            graph = causal(sizes, device=x.device)
        elif all(size == 1 for size in sizes):
            graph = bipartite(sizes, after, device=x.device)
        else:
            raise ValueError(f"a prompt comes first, then one token at a time, got sizes={sizes} after {before}")
        first = torch.tensor(before, device=x.device).repeat_interleave(torch.tensor(sizes, device=x.device))
        position = first + positions(sizes, x.device)[0]
        options = {}
        if self.bias is not None:
            options["edge_bias"] = self.bias(graph, position, positions(after, x.device)[0])
        new: list[LayerState] = []
        layer: Any
        for layer, layer_state in zip(self.layers, state, strict=True):
            x, layer_state = layer.step(x, graph, layer_state, sizes, position, **options)
            new.append(layer_state)
        return x if self.norm is None else self.norm(x), tuple(new)
