"""Keys and values of sequences of any lengths: appended, and chosen anew."""

import torch

import graphattn as ga
from graphattn.nn.transformer import KeyValueCache


def test_cache():
    cache = KeyValueCache(None, torch.arange(3.0).view(3, 1, 1), (0, 3))
    grown = cache.append(None, torch.tensor([7.0, 8.0]).view(2, 1, 1), (1, 1))
    assert (grown.v.flatten().tolist(), grown.sizes) == ([7, 0, 1, 2, 8], (1, 4))
    assert cache.sizes == (0, 3)
    assert grown.seen_by([1, 2]) == ga.bipartite([1, 2], [1, 4])
    none = grown.select(torch.tensor([], dtype=torch.int64))
    assert (none.v.shape, none.sizes) == ((0, 1, 1), ())
