"""The kernels run on CPU tensors here, in Triton's interpreter."""

import pytest
import torch

pytest.importorskip("triton")


@pytest.fixture(autouse=True)
def interpreted(monkeypatch):
    """The operator's kernels for the CPU are those of Triton, and backend="triton" takes tensors on the CPU."""
    from triton import knobs

    if not knobs.runtime.interpret:
        pytest.skip("Triton was loaded without its interpreter")
    import ops.triton.interpreter  # noqa: F401
    from ops.lowering import rounding

    from graphattn.ops import operator
    from graphattn.ops.triton import backend, tile_choice, tile_table
    from graphattn.ops.triton.attend import backward, forward

    monkeypatch.setattr(backend, "DEVICES", ("cpu",))
    monkeypatch.setattr(rounding, "FUSED", "triton")
    monkeypatch.setenv("GRAPHATTN_TILES", "")
    monkeypatch.setattr(tile_choice, "_too_large", {})
    tile_choice.measured.cache_clear()
    tile_table.tile_for.cache_clear()  # tests change the table
    dispatched = torch.library.Library("graphattn", "IMPL")
    dispatched.impl("attend", forward, "CPU", allow_override=True)
    dispatched.impl("attend_backward", backward, "CPU", allow_override=True)
    monkeypatch.setitem(operator._kernels, "cpu", operator.Kernels(forward, backward))
    yield
    dispatched._destroy()


@pytest.fixture
def small_bins(monkeypatch):
    """Rows of more than four edges are cut into pieces."""
    from graphattn.ops.triton import plan, tile_table

    monkeypatch.setattr(plan, "DEGREES", (1, 2, 4))
    table = tile_table.ARCHITECTURES["sm_80"]._replace(slots={0: 1, 1: 1, 2: 2, 4: 4})
    monkeypatch.setitem(tile_table.ARCHITECTURES, "sm_80", table)


@pytest.fixture
def rowblocks_everywhere(monkeypatch):
    """Every rowblock without an edge that is there twice is dense."""
    from graphattn.ops.triton import rowblocks

    monkeypatch.setattr(rowblocks, "ENOUGH", 0)
    monkeypatch.setattr(rowblocks, "SHARE", 0)


@pytest.fixture
def started(monkeypatch):
    """The names of the kernels started, in order."""
    from graphattn.ops.triton import attend, gradient, rowblock_calls

    names = []
    launch = attend.launch

    def note(kernel, grid, *rest, **arguments):
        if 0 not in grid:
            names.append(kernel.fn.__name__)
        launch(kernel, grid, *rest, **arguments)

    for module in (attend, gradient, rowblock_calls):
        monkeypatch.setattr(module, "launch", note)
    return names
