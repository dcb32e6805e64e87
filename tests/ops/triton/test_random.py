import pytest
import torch
from ops.lowering.cases import Case, attend, tensors

import graphattn as ga
from graphattn.ops.random import drop_threshold, keep_mask

triton = pytest.importorskip("triton")
tl = pytest.importorskip("triton.language")

from graphattn.ops.triton.random import keeps


@pytest.mark.parametrize("dropout", [0.1, 0.5, 0.999])
@pytest.mark.parametrize("heads", [(3, 3), (4, 2), (8, 1)])
def test_the_mask_is_that_of_the_other_backends(heads, dropout):
    graph = ga.testing.zoo()["unsorted"]
    case = Case(heads=heads, dropout=dropout, returns="weights")
    given = {name: tensor.float() for name, tensor in tensors(case, graph).items()}
    found = [attend(case, graph, given, backend)[1] for backend in ("triton", "reference")]
    torch.testing.assert_close(*found)
    assert torch.equal(found[0] == 0, found[1] == 0)


@triton.jit
def mask_kernel(seed, first, threshold, found, H: tl.constexpr, S: tl.constexpr):
    place = tl.load(first) + tl.arange(0, S)[None, :]
    kept = keeps(tl.load(seed), place, tl.arange(0, H), threshold, H)
    at = tl.arange(0, S)[None, :, None] * H + tl.arange(0, H)[None, None, :]
    tl.store(found + at, kept.to(tl.int32))


@pytest.mark.parametrize("first", [0, 2**30 - 7, 2**33 - 5])
def test_places_beyond_32_bits(first):
    seed, H, S = torch.tensor(2**62 + 2**35 + 12345), 4, 64
    found = torch.empty(S, H, dtype=torch.int32)
    mask_kernel[(1,)](seed, torch.tensor([first]), drop_threshold(0.4), found, H=H, S=S)
    assert torch.equal(found.bool(), keep_mask(seed, S, H, 0.4, torch.device("cpu"), first))
