"""Encoders for long sequences and images: Transformer encoders with other graphs or other attention.

All are called as `encoder(x, graph)` with `graph = ga.complete(sizes)`, which gives the sizes of the sequences, and
return `[N, embed_dim]`. `**options` are arguments of `GraphTransformerLayer`, such as `dropout`, `ffn_dim` and
`norm_first`. `neighborhood` and `axial` raise ValueError if a graph does not have one node per cell of their `shape`.

=============  ==============================  ============================  ==========  ============================
encoder        graph                           score                         normalizer  cost of n nodes
=============  ==============================  ============================  ==========  ============================
transformer    complete                        dot                           softmax     n²
truncated      window                          dot                           softmax     n · radius
longformer     window ∪ hub                    dot, own projections of hubs  softmax     n · (radius + hubs)
bigbird        window ∪ hub ∪ random regular   dot                           softmax     n · (radius + hubs + degree)
linformer      bipartite to learned landmarks  dot                           softmax     n · landmarks
performer      complete                        random features of dot        linear      n · features
reformer       buckets of a hash               dot, shared queries and keys  softmax     n · rounds · chunk
neighborhood   grid                            dot + a bias for each offset  softmax     n · kernel
axial          rows, then columns of a grid    dot                           softmax     n · (height + width)
=============  ==============================  ============================  ==========  ============================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from graphattn.deprecation import renamed
from graphattn.graph import Complete, Graph, batch, complete, grid, hub, random_regular, union, window
from graphattn.nn.attention import MultiheadAttention
from graphattn.nn.efficient.linformer import LinformerAttention
from graphattn.nn.efficient.longformer import LongformerAttention
from graphattn.nn.efficient.lsh import LSHAttention
from graphattn.nn.efficient.on_graph import OnGraph
from graphattn.nn.feature_maps import PerformerFeatures
from graphattn.nn.positions import OffsetBias
from graphattn.nn.transformer.encoder import GraphTransformerLayer, TransformerEncoder
from graphattn.nn.transformer.residual import feed_forward
from graphattn.nn.transformer.reversible import ReversibleEncoder


def transformer(
    embed_dim: int,
    num_heads: int,
    depth: int,
    *,
    attention: Callable[[], nn.Module] | None = None,
    bias: nn.Module | None = None,
    **options: Any,
) -> TransformerEncoder:
    """The Transformer encoder; `attention()`, if given, makes the attention of each layer.

    Vaswani et al. 2017, arXiv:1706.03762, section 3.1; with a final norm if the layers are pre-norm.
    """
    layers = [
        GraphTransformerLayer(embed_dim, num_heads, attention=None if attention is None else attention(), **options)
        for _ in range(depth)
    ]
    return TransformerEncoder(layers, norm=_last_norm(embed_dim, options), bias=bias)


def truncated(embed_dim: int, num_heads: int, depth: int, *, radius: int, **options: Any) -> OnGraph:
    """Self-attention within a radius, as used in speech recognition.

    Povey et al. 2018, ICASSP, "A time-restricted self-attention layer for ASR", section 2, with equal
    left and right contexts and no gaps. The receptive field of a node is `depth · radius` on each side.
    """
    return OnGraph(transformer(embed_dim, num_heads, depth, **options), partial(_windows, radius=radius))


def longformer(
    embed_dim: int,
    num_heads: int,
    depth: int,
    *,
    radius: int,
    num_global: int = 1,
    attention_dropout: float = 0.0,
    **options: Any,
) -> OnGraph:
    """Windows, and global attention from and to the first `num_global` nodes of each sequence (`LongformerAttention`).

    Beltagy et al. 2020, arXiv:2004.05150, section 3.1.
    """

    def attention() -> nn.Module:
        return LongformerAttention(embed_dim, num_heads, num_global=num_global, dropout=attention_dropout)

    connect = partial(_windows_and_hubs, radius=radius, num_global=num_global)
    return OnGraph(transformer(embed_dim, num_heads, depth, attention=attention, **options), connect)


def bigbird(
    embed_dim: int,
    num_heads: int,
    depth: int,
    *,
    radius: int,
    num_global: int = 1,
    num_random: int = 2,
    **options: Any,
) -> OnGraph:
    """Windows, global nodes and random edges.

    Zaheer et al. 2020, arXiv:2007.14062, section 2 (the internal construction); without blocks; every node has
    `num_random` random edges in each direction (see `ga.random_regular`). The random edges depend on the sequence
    length only and are the same in all layers; sequences that are too short have none.
    """
    connect = partial(_with_random_edges, radius=radius, num_global=num_global, num_random=num_random)
    return OnGraph(transformer(embed_dim, num_heads, depth, **options), connect)


def linformer(
    embed_dim: int, num_heads: int, depth: int, *, num_landmarks: int, max_nodes: int, **options: Any
) -> TransformerEncoder:
    """Attention to landmarks, which are learned combinations of the nodes (`LinformerAttention`).

    Wang et al. 2020, arXiv:2006.04768, eq. 7.
    """
    return transformer(
        embed_dim, num_heads, depth,
        attention=lambda: LinformerAttention(embed_dim, num_heads, num_landmarks=num_landmarks, max_nodes=max_nodes),
        **options,
    )  # fmt: skip


def performer(
    embed_dim: int,
    num_heads: int,
    depth: int,
    *,
    num_features: int | None = None,
    redraw_every: int | None = None,
    **options: Any,
) -> TransformerEncoder:
    """Attention whose weights are dot products of positive random features (`PerformerFeatures`).

    Choromanski et al. 2021, arXiv:2009.14794, section 2.
    """

    def attention() -> nn.Module:
        features = PerformerFeatures(embed_dim // num_heads, num_features, redraw_every=redraw_every)
        return MultiheadAttention(embed_dim, num_heads, normalize="linear", feature_map=features)

    return transformer(embed_dim, num_heads, depth, attention=attention, **options)


def reformer(
    embed_dim: int,
    num_heads: int,
    depth: int,
    *,
    num_buckets: int,
    rounds: int = 1,
    chunk_size: int | None = None,
    ffn_dim: int | None = None,
    dropout: float = 0.0,
) -> ReversibleEncoder:
    """Attention within the buckets of a hash (`LSHAttention`), in reversible pre-norm layers (`ReversibleEncoder`).

    Kitaev et al. 2020, arXiv:2001.04451, sections 2 and 3; the feed-forward network is not chunked.
    """

    def attention() -> nn.Module:
        return LSHAttention(embed_dim, num_heads, num_buckets=num_buckets, rounds=rounds, chunk_size=chunk_size)

    blocks = [
        (
            _PreNorm(embed_dim, attention(), dropout),
            _PreNorm(embed_dim, feed_forward(embed_dim, ffn_dim, None, dropout), dropout),
        )
        for _ in range(depth)
    ]
    return ReversibleEncoder(blocks, norm=nn.LayerNorm(embed_dim))


def neighborhood(
    embed_dim: int,
    num_heads: int,
    depth: int,
    *,
    shape: Sequence[int],
    kernel_size: int,
    dilation: int = 1,
    **options: Any,
) -> OnGraph:
    """Attention of each cell of an image to a neighborhood, with a bias per offset; neighborhoods shift at borders.

    Hassani et al. 2023, arXiv:2204.07143, eq. 1-3; the layers share the bias.
    """
    connect = partial(_grid, shape=shape, kernel_size=kernel_size, dilation=dilation, border="shift")
    offsets = grid(tuple(shape), kernel_size, dilation=dilation, border="shift").offset_shape
    bias = OffsetBias(offsets, num_heads)
    return OnGraph(transformer(embed_dim, num_heads, depth, bias=bias, **options), connect)


def axial(embed_dim: int, num_heads: int, depth: int, *, shape: tuple[int, int], **options: Any) -> TransformerEncoder:
    """Alternating layers of attention along rows and along columns; `depth` layers in total.

    Ho et al. 2019, arXiv:1912.12180, section 3.1.
    """
    columns = partial(_grid, shape=shape, kernel_size=(2 * shape[0] - 1, 1))
    connect = (partial(_rows, shape=shape), columns)
    layers = [
        OnGraph(GraphTransformerLayer(embed_dim, num_heads, **options), connect[number % 2]) for number in range(depth)
    ]
    return TransformerEncoder(layers, norm=_last_norm(embed_dim, options))


class _PreNorm(nn.Module):
    """dropout(branch(norm(x))), a branch of a reversible layer."""

    def __init__(self, embed_dim: int, branch: nn.Module, dropout: float) -> None:
        super().__init__()
        self.norm, self.branch, self.dropout = nn.LayerNorm(embed_dim), branch, nn.Dropout(dropout)

    def forward(self, x: Any, *graph: Any) -> Any:
        return self.dropout(self.branch(self.norm(x), *graph))


def _last_norm(embed_dim: int, options: dict[str, Any]) -> nn.LayerNorm | None:
    return nn.LayerNorm(embed_dim) if options.get("norm_first", True) else None


def _windows(graph: Complete, radius: int) -> Graph:
    return window(graph.sizes, radius)


def _windows_and_hubs(graph: Complete, radius: int, num_global: int) -> Graph:
    return union(window(graph.sizes, radius), _hubs(graph, num_global))


def _with_random_edges(graph: Complete, radius: int, num_global: int, num_random: int) -> Graph:
    random = [
        random_regular(size, num_random, generator=torch.Generator().manual_seed(size))
        if num_random < size
        else window(size, 0)
        for size in graph.sizes
    ]
    return union(window(graph.sizes, radius), _hubs(graph, num_global), batch(random))


def _hubs(graph: Complete, num_global: int) -> Graph:
    return batch([hub(size, min(num_global, size)) for size in graph.sizes])


def _rows(graph: Complete, shape: tuple[int, int]) -> Graph:
    _check_cells(graph, shape)
    height, width = shape
    return complete([width] * (height * graph.num_graphs))


def _grid(graph: Complete, shape: Sequence[int], kernel_size: Any, **options: Any) -> Graph:
    _check_cells(graph, shape)
    return grid([list(shape)] * graph.num_graphs, kernel_size, **options)


def _check_cells(graph: Complete, shape: Sequence[int]) -> None:
    cells = math.prod(shape)
    for size in graph.sizes:
        if size != cells:
            raise ValueError(f"images of shape {tuple(shape)} have {cells} cells, got a graph of {size} nodes")


__getattr__ = renamed(__name__, {"neighbourhood": "graphattn.models.encoders:neighborhood"})
