"""A few small calls, forward and backward, for a tool that looks at every access to memory."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import torch
from ops.lowering.cases import Case, call, loss, tensors

import graphattn as ga

CASES = (
    Case("dot", edges="everything", heads=(4, 2), dropout=0.3),
    Case("sum", edges="bias"),
    Case("additive leaky_relu", returns="weights"),
)


def graph() -> ga.Graph:
    """Rows of every bin, and one that is cut into pieces, on both sides."""
    into = torch.repeat_interleave(torch.arange(5), torch.tensor([0, 3, 20, 100, 600]))
    edges = torch.stack([torch.arange(into.numel()), into])
    return ga.Graph(torch.cat([edges, edges.flip(0)], dim=1))


def main(graph: ga.Graph) -> None:
    """Every case on one graph."""
    for case in CASES:
        leaves = {name: x.cuda().to(case.dtype).requires_grad_() for name, x in tensors(case, graph).items()}
        loss(call(case, graph.to("cuda"), leaves, "triton"), case.dtype).backward()
    torch.cuda.synchronize()


if __name__ == "__main__":
    main(graph())
