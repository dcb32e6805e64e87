"""`graphattn doctor` and `graphattn warmup`: is all there that the fast paths need, and are their kernels ready?"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, NamedTuple

import typer

from graphattn.cli.errors import reported, say


class Part(NamedTuple):
    """Something that may be missing, what it is for, and how to get it."""

    module: str
    purpose: str
    cure: str


PARTS = (
    Part("numba", "fused kernels on CPUs", "pip install numba"),
    Part("torch_geometric", "the layers under PyTorch Geometric's names", "pip install torch-geometric"),
    Part("rdkit", "molecules", "pip install rdkit"),
    Part("lightning", "training of molecules and networks", "pip install lightning"),
    Part("lightgbm", "boosted trees beside the networks", "pip install lightgbm"),
    Part("pyarrow", "Parquet, and large CSV files faster", 'pip install "graphattn[tables]"'),
    Part("openpyxl", "Excel files", 'pip install "graphattn[tables]"'),
    Part("fastapi", "graphattn serve", 'pip install "graphattn[serve]"'),
    Part("pymetis", "partitions of graphs with few edges between them", 'pip install "graphattn[scale]"'),
    Part("triton", "fused kernels on GPUs", 'pip install "graphattn[gpu]"'),
    Part(
        "torch_scatter", "a faster reference backend", 'pip install "graphattn[scatter]", which takes minutes to build'
    ),
)


@reported
def doctor() -> None:
    """Say what is installed and what is missing, with what it is for and how to get it, and run attention once.

    Exit code 1 if attention gives a wrong answer or a fused backend for this machine's device cannot run.
    """
    from rich.console import Console

    from graphattn.cli.installation import installation_summary

    console = Console()
    installation_summary(console)
    missing = [part for part in PARTS if find_spec(part.module) is None]
    for part in missing:
        name = part.module.replace("_", "-")
        console.print(f"missing  {name}: {part.purpose}. {part.cure}", markup=False, highlight=False, soft_wrap=True)
    if not missing:
        console.print("nothing that graphattn can use is missing", highlight=False)
    wrong = _check()
    right = "attention runs fused here, forward and backward, and agrees with the reference"
    console.print(wrong or right, markup=False)
    if wrong:
        raise typer.Exit(1)


def _check() -> str | None:
    """What is wrong with attention here, or None."""
    import torch

    import graphattn as ga

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    graph = ga.Graph(torch.randint(40, (2, 300)), num_nodes=40).to(device)
    answers: list[list[torch.Tensor]] = []
    x = torch.randn(3, 40, 2, 8, device=device)
    backend = ga.explain_backend(x[0], x[1], x[2], graph)
    for name in ("reference", "auto"):
        q, k, v = (each.clone().requires_grad_() for each in x)
        out = ga.attention(q, k, v, graph, backend=name)
        assert isinstance(out, torch.Tensor)
        answers.append([out, *torch.autograd.grad(out.square().sum(), (q, k, v))])
    if not all(torch.allclose(one, other, rtol=1e-3, atol=1e-4) for one, other in zip(*answers, strict=True)):
        return f"attention on the backend {backend.backend} gives another answer than the reference: please report this"
    if backend.backend == "reference":
        reasons = "; ".join(f"{name}: {why}" for name, why in backend.rejected.items())
        return f"attention runs on the reference backend: {reasons}"
    return None


@reported
def warmup(
    dtype: Annotated[list[str] | None, typer.Option(help="float32, float64, float16 or bfloat16; repeatable.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Compile the fused kernels of every built-in score now, rather than at the first call that needs them.

    For an image that is built once and started often. They are kept on disk: in NUMBA_CACHE_DIR, else in the user's
    cache.
    """
    import torch

    import graphattn as ga
    from graphattn.tasks.common.errors import SettingsError

    names = dtype or ["float32"]
    known = ("float32", "float64", "float16", "bfloat16")
    for name in names:
        if name not in known:
            raise SettingsError(f"--dtype is one of {', '.join(known)}, got {name!r}.")
    ga.warmup(*(getattr(torch, name) for name in names), device=device)
    say(f"kernels for {', '.join(names)} on {device} are ready")
