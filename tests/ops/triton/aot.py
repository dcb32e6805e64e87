"""Compiles every launch of the Triton kernels ahead of time, without a GPU, and reads the result.

    python tests/ops/triton/aot.py             # compare with the committed table
    python tests/ops/triton/aot.py --write     # measure again
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

TARGETS = {
    "sm_80": GPUTarget("cuda", 80, 32),
    "sm_90": GPUTarget("cuda", 90, 32),
    "gfx942": GPUTarget("hip", "gfx942", 64),
}
_POINTERS = {
    torch.float32: "*fp32", torch.float64: "*fp64", torch.float16: "*fp16", torch.bfloat16: "*bf16",
    torch.int32: "*i32", torch.int64: "*i64",
}  # fmt: skip


class Launch(NamedTuple):
    """One launch: a kernel, its arguments by name, and its warps."""

    kernel: Any
    arguments: dict[str, Any]
    warps: int


def compile_for(launch: Launch, target: GPUTarget) -> Any:
    """The compiled kernel, as the launch would compile it on the target's GPUs."""
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


class Figures(NamedTuple):
    """What a compiled kernel needs."""

    registers: int
    spills: int
    shared: int  # bytes
    widest_load: int  # bits


def read(compiled: Any, target: GPUTarget) -> Figures:
    """The figures of a compiled kernel, from its machine code."""
    shared = compiled.metadata.shared
    if target.backend == "hip":
        text = compiled.asm["amdgcn"]
        number = {name: int(re.search(rf"\.{name}:\s*(\d+)", text)[1]) for name in ("vgpr_count", "vgpr_spill_count")}
        widths = [32 * int(width or 1) for width in re.findall(r"(?:global|buffer)_load_dword(?:x(\d))?", text)]
        return Figures(number["vgpr_count"], number["vgpr_spill_count"], shared, max(widths, default=0))
    widths = [
        int(bits) * int(vector[2:] if vector else 1)
        for vector, bits in re.findall(r"ld\.global[\w.:]*?(\.v\d)?\.[bfus](\d+)", compiled.asm["ptx"])
    ]
    tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
    file = Path("/tmp") / "kernel.cubin"
    file.write_bytes(compiled.asm["cubin"])
    text = subprocess.run([tool, "-res-usage", file], capture_output=True, text=True, check=True).stdout
    usage = {name: int(size) for name, size in re.findall(r"(REG|STACK|LOCAL):(\d+)", text)}
    return Figures(usage["REG"], usage["STACK"] + usage["LOCAL"], shared, max(widths, default=0))
