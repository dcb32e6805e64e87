"""Graphs that are cut into tiles, and what to compare on them."""

import torch

import graphattn as ga

WINDOWS_AND_GRIDS = {
    "window": ga.window(37, 3),
    "causal, dilated": ga.window(37, 3, causal=True, dilation=2),
    "shift, dilated": ga.window(41, 4, dilation=3, border="shift"),
    "periodic, dilated": ga.window(41, 4, dilation=3, border="periodic"),
    "several tiles": ga.window(300, 40),
    "several sizes": ga.window([5, 0, 40], 9),
    "one node": ga.window(1, 3),
    "two nodes": ga.window(2, 3),
    "grid": ga.grid((7, 9), 3),
    "grid, even kernel, dilated": ga.grid((7, 9), (3, 4), dilation=(2, 1), border="shift"),
    "grid, periodic, 3-D": ga.grid((5, 7, 4), 3, border="periodic"),
    "kernel larger than the grid": ga.grid([(4, 4), (5, 4)], 9),
}
HEADS = [(3, 3, 5, 5), (6, 2, 5, 7), (2, 1, 7, 3)]  # heads, key heads, width, value width


def results(graph, heads, *, backend, bias=None, dtype=torch.float64, **options):
    """Output, log-sum-exp and all gradients of a loss that weighs each of their numbers differently.

    bias: None, "bias", or "hidden" for one that hides four edges of five.
    """
    drawn = torch.Generator().manual_seed(1)
    H, Hk, D, Dv = heads
    shapes = [(graph.num_dst, H, D), (graph.num_src, Hk, D), (graph.num_src, Hk, Dv)]
    shapes += [] if bias is None else [(graph.num_edges, H)]
    leaves = [torch.randn(shape, generator=drawn, dtype=torch.float64).to(dtype) for shape in shapes]
    if bias == "hidden":
        leaves[3][torch.rand(leaves[3].shape, generator=drawn) < 0.8] = -torch.inf
    leaves = [leaf.requires_grad_() for leaf in leaves]
    edge_bias = leaves[3] if bias else None
    state = ga.attention(*leaves[:3], graph, edge_bias=edge_bias, return_state=True, backend=backend, **options)
    lse = state.lse.masked_fill(state.lse == -torch.inf, 0)
    loss = (state.out * weights(state.out)).sum() + (lse * weights(lse)).sum()
    return [state.out.detach(), state.lse.detach(), *torch.autograd.grad(loss, leaves)]


def dropped(graph, heads, *, backend, bias=None, **options):
    """`results` with dropout, of a mask that is the same at each call."""
    torch.manual_seed(3)
    return results(graph, heads, backend=backend, bias=bias, dropout=0.4, **options)


def weights(tensor):
    return torch.arange(tensor.numel(), dtype=tensor.dtype).view_as(tensor).cos()
