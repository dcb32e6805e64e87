"""Graphs in which neighbors have the same neighbors, as rowblocks want them."""

from __future__ import annotations

import torch

import graphattn as ga


def communities(
    num_dst: int, num_src: int, size: int, share: float = 0.6, scattered: int = 0, seed: int = 0
) -> ga.Graph:
    """Each destination sees a share of one run of `size` sources, the same for `size` destinations in a row.

    Every fourth community has no edges; `scattered` edges lie anywhere else. None comes twice, and they have no order.
    """
    drawn = torch.Generator().manual_seed(seed)
    community = torch.arange(num_dst) // size
    src = torch.arange(num_src)
    mine = (src // size)[None, :] == (community % (-(-num_src // size)))[:, None]
    there = mine & (torch.rand(num_dst, num_src, generator=drawn) < share) & (community % 4 != 3)[:, None]
    free = (~there).flatten().nonzero().squeeze(1)
    there.view(-1)[free[torch.randperm(len(free), generator=drawn)[:scattered]]] = True
    dst, src = there.nonzero().T
    order = torch.randperm(len(dst), generator=drawn)
    return ga.Graph(torch.stack([src, dst])[:, order], num_dst=num_dst, num_src=num_src)
