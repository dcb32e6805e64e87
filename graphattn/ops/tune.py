"""Measuring which tiles of the GPU kernels are best for one call."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphattn.graph import Graph
from graphattn.ops import dispatch
from graphattn.ops.arguments import parameters, prepare
from graphattn.ops.triton.backend import TRITON
from graphattn.ops.tune_result import Tuning


def tune(
    q: Tensor | None, k: Tensor | None, v: Tensor, graph: Graph, *, backend: str = "auto", **options: Any
) -> Tuning:
    """Measure the tiles of the GPU kernels for one call of `attention`, and use the best from then on.

    A kernel takes some rows, and some edges of each, at a time; how many suits a GPU best is in a table. This function
    measures what stands there and about a dozen tiles beside it, for each bin of rows by degree and each kernel that
    the call runs: forward and, if a tensor requires a gradient, by source and by destination. Every tile gives the same
    result up to rounding, and each gives the same bits in every run. It takes a minute or more, mostly to compile, and
    needs a GPU that is not busy otherwise.

    The best are used by calls of the same score, sizes and dtype, on any graph, in this process and in those that start
    later on the same model of GPU with the same version of Triton. They are stored in `triton/tiles.json` in
    `$GRAPHATTN_CACHE`, else in the user's cache; `GRAPHATTN_TILES` names another file, or none if it is empty.

    Args:
        q: as for `attention`, and so are all others.
        k: as for `attention`.
        v: as for `attention`.
        graph: as for `attention`; of about the size and the degrees that matter.
        backend: as for `attention`.
        options: of `attention`.

    Returns:
        A record that prints as a short text: each kernel's tile and time before and after. Where the call does not run
        on the `triton` backend, as on a CPU, there is nothing to tune; then the record has no tiles and says so.

    Raises:
        ValueError, TypeError: as `attention` would.
        RuntimeError: while a CUDA graph is captured, or a function compiled.

    Example:
        >>> import torch, graphattn as ga
        >>> x = torch.zeros(3, 1, 4)
        >>> ga.tune(x, x, x, ga.complete(3)).tiles
        ()
    """
    call = prepare(q, k, v, graph, **options)
    device = v.device
    chosen = dispatch.choose(call, backend)
    if chosen.backend is not TRITON:
        return Tuning(str(device), (), f"nothing to tune: the call runs on {chosen.backend.name} ({chosen.reason})")
    if torch.compiler.is_compiling() or (v.is_cuda and torch.cuda.is_current_stream_capturing()):
        raise RuntimeError("tune measures, which cannot be done while a CUDA graph is captured or a function compiled")
    from graphattn.ops.triton import tune as tiles

    leaves = [x for x in (*call.tensors.values(), *parameters(call.score)) if x.requires_grad]

    def run() -> None:
        answer = dispatch.run(call, backend)
        results = [answer] if isinstance(answer, Tensor) else list(answer)
        if call.needs_grad:
            torch.autograd.grad(results, leaves, [torch.ones_like(x) for x in results], allow_unused=True)

    with torch.random.fork_rng([]):
        return tiles.tune(run, device)
