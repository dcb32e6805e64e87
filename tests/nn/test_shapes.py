"""Layers on "meta" and with fake tensors, which have shapes and no numbers."""

import pytest
import torch
from every_layer import DROP_INS, OWN
from torch._subclasses.fake_tensor import FakeTensorMode

pytest.importorskip("torch_geometric")

NODES, EDGES = 13, 29
UNKNOWN = {"AttentiveFP"}  # how many molecules there are is said by the numbers in `batch` alone, here as in PyG


def changed(value, change):
    if isinstance(value, dict):
        return {key: changed(each, change) for key, each in value.items()}
    return change(value) if isinstance(value, torch.Tensor) else value


def shapes(result):
    if isinstance(result, dict):
        return {key: each.shape for key, each in result.items()}
    return result.shape


def loss(result):
    return (result["a"] if isinstance(result, dict) else result).sum()


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("case", [case for case in DROP_INS | OWN if case not in UNKNOWN])
@pytest.mark.parametrize("kind", ["meta", "fake"])
def test_shapes_of_what_layers_give(case, kind, training):
    """Forward and backward."""
    make, arguments_of = (DROP_INS | OWN)[case]
    layer, arguments = make().train(training), arguments_of(NODES, EDGES)
    want = shapes(layer(*arguments))
    if kind == "meta":
        layer = layer.to("meta")
        result = layer(*(changed(each, lambda tensor: tensor.to("meta")) for each in arguments))
        loss(result).backward()
    else:
        with FakeTensorMode() as mode:
            layer = make().train(training)
            result = layer(*(changed(each, mode.from_tensor) for each in arguments))
            loss(result).backward()
    assert shapes(result) == want
