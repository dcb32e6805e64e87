import copy
import gc
import pickle
import weakref

import pytest
import torch

import graphattn as ga
from graphattn.graph import memo
from graphattn.graph.memo import PerTensor, derived


def test_made_once():
    graph, made = ga.complete(3), []
    for _ in range(2):
        assert derived(graph, "name", lambda: made.append(1) or "it") == "it"
    assert made == [1]
    assert derived(ga.complete(3), "name", lambda: "another") == "another"


def test_what_is_made_in_inference_serves_a_backward_pass():
    graph = ga.union(ga.hub(9, 1), ga.window(9, 2))
    with torch.inference_mode():
        kept = derived(graph, "name", lambda: torch.ones(3))
        ids = graph.disjoint[0][1]
    assert not kept.is_inference()
    bias = torch.zeros(graph.num_edges, 1, requires_grad=True)
    bias[ids].sum().backward()
    assert bias.grad.sum() == len(ids)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda graph: pickle.loads(pickle.dumps(graph))])
def test_copies_begin_anew(again):
    graph = ga.window(9, 2)
    derived(graph, "name", lambda: lambda: "which cannot be pickled")
    assert derived(again(graph), "name", lambda: "new") == "new"
    assert again(graph) == graph


def count(tensor):
    return tensor.bincount().tolist()


def test_a_value_for_each_tensor_and_key():
    kept, made = PerTensor(keep=2), []

    def get(tensor, key):
        return kept.get(tensor, key, lambda tensor: made.append(key) or count(tensor))

    one, other = torch.tensor([0, 0, 2]), torch.tensor([1])
    assert get(one, 1) is get(one, 1)
    assert get(one, 2) == get(one, 1) == [2, 0, 1]
    assert made == [1, 2]
    assert get(other, 1) == [0, 1]
    get(one, 3)  # and 1, the oldest, is given up
    get(one, 2)
    assert made == [1, 2, 1, 3]
    get(one, 1)
    assert made == [1, 2, 1, 3, 1]


def test_inference_tensors_are_looked_at_anew():
    kept = PerTensor()
    with torch.inference_mode():
        tensor = torch.tensor([0, 1])
        assert kept.get(tensor, None, count) == [1, 1]
        tensor[0] = 1
        assert kept.get(tensor, None, count) == [0, 2]


def test_what_is_made_in_inference_or_a_transform_serves_a_backward_pass():
    kept, tensor = PerTensor(), torch.tensor([0.0, 2.0])

    def loss(x):
        return (x * kept.get(tensor, None, torch.exp)).sum()

    for first in (torch.func.grad(loss), torch.inference_mode()(loss)):
        kept = PerTensor()
        first(torch.ones(2))
        x = torch.ones(2, requires_grad=True)
        loss(x).backward()
        assert torch.equal(x.grad, tensor.exp())


def test_a_tensor_that_a_transform_has_wrapped():
    kept = PerTensor()
    assert torch.func.grad(lambda x: (x.detach() * kept.get(x, None, torch.exp) * x).sum())(torch.zeros(2)).sum() == 0


@pytest.mark.parametrize("length", [3, 1024, 1025, 5003])
def test_a_value_does_not_outlive_the_tensor(length):
    kept = PerTensor()
    tensor = torch.zeros(length)
    alive = weakref.ref(kept.get(tensor, None, lambda tensor: tensor))
    del tensor
    gc.collect()
    assert alive() is None
    assert not kept._entries


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.int16, torch.float64])
@pytest.mark.parametrize("length", [0, 1, 3, 20_011])
def test_any_type_and_length(dtype, length):
    kept = PerTensor()
    tensor = torch.zeros(length, dtype=dtype)
    for number in range(min(length, 2)):
        assert kept.get(tensor, None, lambda tensor: tensor.sum().item()) == number
        tensor.data[-number] = 1
    assert kept.get(tensor, None, lambda tensor: tensor.sum().item()) == min(length, 2)


def test_a_larger_tensor_in_the_same_place():
    kept, tensor = PerTensor(), torch.zeros(9)[:5]
    assert kept.get(tensor, None, len) == 5
    tensor.data = torch.as_strided(tensor, (9,), (1,))
    assert kept.get(tensor, None, len) == 9


def test_a_resized_storage_is_not_read():
    kept, tensor = PerTensor(), torch.zeros(5003)
    assert kept.get(tensor, None, lambda tensor: tensor.numel()) == 5003
    tensor.untyped_storage().resize_(0)
    assert kept.get(tensor, None, lambda tensor: tensor.untyped_storage().nbytes()) == 0


@pytest.mark.parametrize("kept, fresh", [([1, 2], [1, 3]), ((torch.ones(2),), (torch.ones(3),)), ("a", "b"), ([1], [])])
def test_agreement(kept, fresh):
    assert memo.agree(kept, kept)
    assert not memo.agree(kept, fresh)
