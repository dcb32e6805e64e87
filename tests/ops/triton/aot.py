"""Every launch of the Triton kernels, compiled ahead of time without a GPU; what the machine code needs.

`python tests/ops/triton/aot.py` compares with the committed table, `… aot.py --write` writes it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.pop("TRITON_INTERPRET", None)
os.environ["GRAPHATTN_TILES"] = ""  # those of the table, whatever was measured here
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[3])]

import torch
import triton
from ops.lowering.cases import Case, call, tensors
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

import graphattn as ga
from graphattn.ops import operator
from graphattn.ops.triton import attend, backend, gradient, kernel_arguments, rowblock_calls

TABLE = Path(__file__).parents[3] / "docs" / "benchmarks" / "triton.json"
TARGETS = {
    "sm_80": GPUTarget("cuda", 80, 32),
    "sm_90": GPUTarget("cuda", 90, 32),
    "gfx942": GPUTarget("hip", "gfx942", 64),
}
CASES = {
    "dot": Case(heads=(1, 1), widths=(128, 128, 8), dtype=torch.bfloat16),
    "dot, many heads": Case(heads=(8, 8), widths=(64, 64, 8), dtype=torch.float16),
    "dot, narrow heads": Case(heads=(8, 8), widths=(16, 16, 8)),
    "dot, wide": Case(heads=(8, 8), widths=(64, 64, 8)),
    "dot, key heads shared": Case(heads=(8, 2), widths=(32, 32, 8), dtype=torch.bfloat16, dropout=0.1, edges="bias"),
    "dot, odd sizes": Case(heads=(3, 3), widths=(20, 12, 5), edges="bias", returns="state"),
    "dot, float64": Case(heads=(4, 4), widths=(16, 16, 8), dtype=torch.float64),
    "dot, every edge term": Case(heads=(4, 4), widths=(32, 32, 16), dtype=torch.bfloat16, edges="everything"),
    "dot, edge features": Case(heads=(4, 4), widths=(32, 32, 16), edges="low rank"),
    "dot, weights": Case(heads=(4, 4), widths=(32, 32, 8), dtype=torch.bfloat16, dropout=0.1, returns="weights"),
    "dot, sigmoid": Case(normalize="sigmoid", heads=(4, 4), widths=(32, 32, 8), dtype=torch.bfloat16),
    "dot, identity": Case(normalize="identity", heads=(4, 4), widths=(32, 32, 8)),
    "sum": Case("sum", heads=(8, 8), widths=(1, 16, 8)),
    "sum, dropout": Case("sum", heads=(4, 4), widths=(1, 32, 8), dtype=torch.bfloat16, edges="bias", dropout=0.1),
    "additive leaky_relu": Case("additive leaky_relu", heads=(8, 8), widths=(16, 16, 8)),
    "additive leaky_relu, edge keys": Case(
        "additive leaky_relu", heads=(4, 4), widths=(32, 32, 8), dtype=torch.bfloat16, edges="key"
    ),
    "additive leaky_relu, edge features": Case(
        "additive leaky_relu", heads=(8, 8), widths=(16, 16, 16), edges="low rank for keys"
    ),
    "additive leaky_relu, wide edge features": Case(
        "additive leaky_relu", heads=(4, 4), widths=(32, 32, 100), dtype=torch.bfloat16, edges="low rank for keys"
    ),
    "additive leaky_relu, one head and edge features": Case(
        "additive leaky_relu", heads=(1, 1), widths=(128, 128, 64), edges="low rank"
    ),
    "additive tanh, edge features, float64": Case(
        "additive tanh", heads=(4, 4), widths=(16, 16, 8), dtype=torch.float64, edges="low rank for keys"
    ),
    "additive tanh, relu": Case("additive tanh", "relu", heads=(4, 4), widths=(32, 32, 8), dtype=torch.bfloat16),
    "dot, recompute": Case(heads=(4, 4), widths=(32, 32, 8), dtype=torch.bfloat16),
    "additive leaky_relu, recompute": Case("additive leaky_relu", heads=(8, 8), widths=(16, 16, 8)),
    "none, relu": Case("none", "relu", heads=(4, 4), widths=(32, 32, 8)),
    "rowblock, one head": Case(heads=(1, 1), widths=(128, 128, 8), dtype=torch.bfloat16),
    "rowblock, wide": Case(heads=(4, 2), widths=(256, 256, 8), dtype=torch.float16, edges="bias", returns="state"),
    "rowblock, wide, key heads shared": Case(heads=(4, 2), widths=(128, 128, 8), dtype=torch.bfloat16, dropout=0.1),
    "rowblock, narrow heads": Case(heads=(8, 8), widths=(16, 16, 8), dtype=torch.float16),
    "rowblock, narrow heads, dropout": Case(
        heads=(8, 8), widths=(16, 16, 8), dtype=torch.bfloat16, edges="bias", dropout=0.1
    ),
    "rowblock, key heads shared": Case(
        heads=(8, 2), widths=(64, 64, 8), dtype=torch.bfloat16, dropout=0.1, edges="bias"
    ),
    "rowblock, odd sizes": Case(heads=(3, 1), widths=(20, 12, 8), dtype=torch.bfloat16, edges="bias"),
    "rowblock, float32": Case(heads=(4, 4), widths=(32, 32, 8), dropout=0.1),
    "rowblock, float32, wide": Case(heads=(2, 2), widths=(64, 64, 8), edges="bias"),
    "rowblock, cosine": Case("cosine", heads=(4, 4), widths=(32, 32, 8), dtype=torch.float16),
    "rowblocks beside rows": Case(heads=(4, 4), widths=(32, 32, 8), dtype=torch.bfloat16, edges="bias"),
    "rowblock, sigmoid": Case(normalize="sigmoid", heads=(4, 4), widths=(64, 64, 8), dtype=torch.float16),
}
_POINTERS = {
    torch.float32: "*fp32", torch.float64: "*fp64", torch.float16: "*fp16", torch.bfloat16: "*bf16",
    torch.int32: "*i32", torch.int64: "*i64",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Launch:
    """One launch: of which case, a kernel, its arguments by name, and its warps."""

    case: str
    kernel: Any
    arguments: dict[str, Any]
    warps: int

    @property
    def on_rowblocks(self) -> bool:
        """Whether it multiplies matrices."""
        return "COLUMNS" in self.arguments

    def __str__(self) -> str:
        about = [self.case, self.kernel.__name__]
        if "ROWS" in self.arguments:
            about.append(f"{self.arguments['ROWS']} rows of {self.arguments['SLOTS']} edges")
        if self.on_rowblocks:
            about.append(f"{self.arguments['COLUMNS']} columns")
        if self.arguments.get("PIECES"):
            about.append("pieces")
        return ", ".join([*about, f"{self.warps} warps"])


def launches(names: Iterable[str], target: str) -> list[Launch]:
    """What a forward and a backward pass of these cases launch, on a graph with rows for each bin and for pieces.

    A "rowblock" has a dense graph instead, "rowblocks" have both.
    """
    found: dict[str, Launch] = {}
    into = torch.repeat_interleave(torch.arange(4), torch.tensor([3, 20, 100, 600]))
    edges = torch.stack([4 + torch.arange(len(into)), into])
    binned = ga.Graph(torch.cat([edges, edges.flip(0)], dim=1))
    dense = torch.cartesian_prod(torch.arange(48), torch.arange(48)).T
    graphs = {"rowblock": ga.Graph(dense), "rowblocks": ga.Graph(torch.cat([dense, binned.edge_index + 48], dim=1))}
    name = ""

    def record(kernel: Any, grid: tuple[int, ...], tensors: Any, warps: int, **arguments: Any) -> None:
        launch = Launch(name, kernel, {taken: arguments[taken] for taken in kernel.arg_names}, warps)
        found.setdefault(str(launch), launch)

    before = attend.launch, gradient.launch, rowblock_calls.launch, backend.DEVICES
    architecture_of = kernel_arguments.architecture_of
    kernel_arguments.architecture_of = rowblock_calls.architecture_of = lambda device: target
    most = gradient.RECOMPUTE_ABOVE
    attend.launch = gradient.launch = rowblock_calls.launch = record
    backend.DEVICES = ("cpu",)
    direct = operator._kernels.get("cpu")
    operator._kernels["cpu"] = operator.Kernels(attend.forward, attend.backward)
    try:
        for name in names:
            case, graph = CASES[name], graphs.get(re.split(r"\W", name)[0], binned)
            gradient.RECOMPUTE_ABOVE = 0 if name.endswith("recompute") else most
            given = {key: x.to(case.dtype).requires_grad_() for key, x in tensors(case, graph).items()}
            results = call(case, graph, given, "triton")
            sum(result.double().sum() for result in results).backward()
    finally:
        operator._kernels.pop("cpu")
        if direct is not None:
            operator._kernels["cpu"] = direct
        attend.launch, gradient.launch, rowblock_calls.launch, backend.DEVICES = before
        gradient.RECOMPUTE_ABOVE = most
        kernel_arguments.architecture_of = rowblock_calls.architecture_of = architecture_of
    return list(found.values())


def compile_for(launch: Launch, target: GPUTarget) -> Any:
    """The compiled kernel, as the launch would have it compiled on such a GPU."""
    signature: dict[str, str] = {}
    constants: dict[tuple[int, ...], Any] = {}
    attributes: dict[tuple[int, ...], Any] = {}
    for place, parameter in enumerate(launch.kernel.params):
        value = launch.arguments[parameter.name]
        if parameter.is_constexpr or value is None:
            signature[parameter.name], constants[(place,)] = "constexpr", value
        elif isinstance(value, torch.Tensor):
            signature[parameter.name], attributes[(place,)] = _POINTERS[value.dtype], [["tt.divisibility", 16]]
        else:
            signature[parameter.name] = parameter.annotation_type or "i32"
    source = ASTSource(launch.kernel, signature, constants, attributes)
    return triton.compile(source, target=target, options={"num_warps": launch.warps})


def read(compiled: Any, target: GPUTarget, *, on_rowblocks: bool) -> dict[str, int]:
    """Registers of a thread, bytes that it spills, bytes of shared memory, bits of the widest load.

    Of a kernel on rowblocks also whether it multiplies matrices on tensor cores.
    """
    figures = _usage(compiled, target)
    if on_rowblocks:
        text = compiled.asm["amdgcn" if target.backend == "hip" else "ptx"]
        figures["mma"] = int(re.search(r"\b(mma\.sync|wgmma\.mma_async|v_mfma_)", text) is not None)
    return figures


def _usage(compiled: Any, target: GPUTarget) -> dict[str, int]:
    shared = compiled.metadata.shared
    if target.backend == "hip":
        text = compiled.asm["amdgcn"]
        count, spilled = (int(re.search(rf"\.vgpr_{name}:\s*(\d+)", text)[1]) for name in ("count", "spill_count"))
        words = [int(width or 1) for width in re.findall(r"(?:global|buffer)_load_dword(?:x(\d))?", text)]
        return {"registers": count, "spills": 4 * spilled, "shared": shared, "load": 32 * max(words, default=0)}
    widths = [
        int(bits) * int(vector[2:] if vector else 1)
        for vector, bits in re.findall(r"ld\.global[\w.:]*?(\.v\d)?\.[bfus](\d+)", compiled.asm["ptx"])
    ]
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kernel.cubin"
        file.write_bytes(compiled.asm["cubin"])
        text = subprocess.run([tool, "-res-usage", file], capture_output=True, text=True, check=True).stdout
    usage = {name: int(size) for name, size in re.findall(r"(REG|STACK|LOCAL):(\d+)", text)}
    spills = usage["STACK"] + usage["LOCAL"]
    return {"registers": usage["REG"], "spills": spills, "shared": shared, "load": max(widths, default=0)}


def measure(names: Iterable[str], targets: Iterable[str]) -> dict[str, dict[str, dict[str, int]]]:
    """The figures of each launch of these cases, by target."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for name in targets:
        for launch in launches(names, name):
            figures = read(compile_for(launch, TARGETS[name]), TARGETS[name], on_rowblocks=launch.on_rowblocks)
            found.setdefault(str(launch), {})[name] = figures
    return found


def worse(found: dict[str, dict[str, dict[str, int]]], table: dict[str, Any]) -> list[str]:
    """What is worse than in the table: more registers, spills or shared memory, narrower loads, tensor cores no longer
    used, or a launch not in it.

    Registers, spills and shared memory depend on the compiler's version, and are compared only if it is the same.
    """
    same = table["triton"] == triton.__version__
    complaints = []
    for launch, targets in found.items():
        for target, figures in targets.items():
            before = table["launches"].get(launch, {}).get(target)
            if before is None:
                complaints.append(f"{launch}, {target}: not in the table")
                continue
            for name, figure in figures.items():
                fewer_is_better = name not in ("load", "mma")
                if name in ("registers", "spills", "shared") and not same:
                    continue
                if (figure > before[name]) if fewer_is_better else (figure < before[name]):
                    complaints.append(f"{launch}, {target}: {name} {figure}, was {before[name]}")
    return complaints


def main(*names: str) -> None:
    """Compile these cases, or all, and write or compare."""
    found = measure([name for name in names if name in CASES] or CASES, TARGETS)
    every = [figures for targets in found.values() for figures in targets.values()]
    most = {name: max(figures[name] for figures in every) for name in ("registers", "spills", "shared")}
    print(f"{len(found)} launches for {', '.join(TARGETS)}, compiled by Triton {triton.__version__}; the most: {most}")
    if "--write" in names:
        lines = ",\n".join(f"{json.dumps(launch)}: {json.dumps(targets)}" for launch, targets in found.items())
        TABLE.write_text(f'{{\n"triton": {json.dumps(triton.__version__)},\n"launches": {{\n{lines}\n}}\n}}\n')
        return
    complaints = worse(found, json.loads(TABLE.read_text()))
    print(*complaints, sep="\n")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main(*sys.argv[1:])
