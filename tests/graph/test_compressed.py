import sys

import pytest
import torch

from graphattn.graph.compressed import Compressed, compress, index_dtype


@pytest.fixture(params=["scipy", "torch"])
def sorter(request, monkeypatch):
    if request.param == "torch":
        monkeypatch.setattr("graphattn.graph.compressed.importlib.util.find_spec", lambda _: None)
        monkeypatch.setitem(sys.modules, "scipy.sparse", None)  # so that importing it fails
    return request.param


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_groups_and_keeps_order_inside_a_group(sorter, dtype):
    keys = torch.tensor([3, 0, 3, 1, 0, 3], dtype=dtype)
    values = torch.tensor([5, 6, 5, 8, 6, 9], dtype=dtype)
    indptr, indices, perm = compress(keys, values, num_rows=5)
    assert indptr.tolist() == [0, 2, 3, 3, 6, 6]
    assert indices.tolist() == [6, 6, 8, 5, 5, 9]  # duplicates stay
    assert perm.tolist() == [1, 4, 3, 0, 2, 5]
    assert {indptr.dtype, indices.dtype, perm.dtype} == {dtype}


def test_equals_stable_sort_on_random_keys(sorter):
    drawn = torch.Generator().manual_seed(0)
    keys = torch.randint(101, (1009,), generator=drawn, dtype=torch.int32)
    values = torch.randint(997, (1009,), generator=drawn, dtype=torch.int32)
    form = compress(keys, values, num_rows=103)
    expected = keys.sort(stable=True)
    assert torch.equal(form.perm.long(), expected.indices)
    assert torch.equal(form.indices, values[expected.indices])
    assert torch.equal(form.rows(), expected.values)


def test_sorted_keys_need_no_permutation():
    values = torch.tensor([4, 2, 3])
    form = compress(torch.tensor([0, 2, 2]), values, num_rows=4)
    assert form.perm is None
    assert form.indices is values
    assert form.indptr.tolist() == [0, 1, 1, 3, 3]


@pytest.mark.parametrize("num_rows", [0, 3])
def test_nothing_to_group(sorter, num_rows):
    nothing = torch.empty(0, dtype=torch.int32)
    form = compress(nothing, nothing, num_rows)
    assert form.indptr.tolist() == [0] * (num_rows + 1)
    assert form.indices.numel() == 0
    assert form.rows().numel() == 0


def test_under_compilation_there_is_always_a_permutation():
    compiled = torch.compile(compress, backend="eager", fullgraph=True)
    form = compiled(torch.tensor([0, 2, 2]), torch.tensor([4, 2, 3]), 4)
    assert form.perm.tolist() == [0, 1, 2]
    assert form.indptr.tolist() == [0, 1, 1, 3, 3]


def test_rows_repeats_each_row():
    rows = Compressed(torch.tensor([0, 0, 3, 4, 4]), torch.tensor([7, 7, 7, 7]), None).rows()
    assert rows.tolist() == [1, 1, 1, 2]


def test_index_dtype_widens_when_any_size_needs_it():
    assert index_dtype(2**31 - 1, 3, 2**31 - 1) == torch.int32
    assert index_dtype(3, 2**31, 3) == torch.int64
