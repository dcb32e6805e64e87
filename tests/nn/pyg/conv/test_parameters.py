"""The same seed gives PyG's parameters, lazy widths are inferred as in PyG, and copies agree."""

import copy
import io
import pickle

import pytest
import torch
from pyg_twin import twins

import graphattn as ga
from graphattn.ops import thresholds

pyg = pytest.importorskip("torch_geometric")
IN, OUT, HEADS, EDGE, LEFT, RIGHT = 5, 7, 3, 2, 11, 13
LAYERS = ["GATConv", "GATv2Conv", "TransformerConv"]


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def looped_edges():
    """Duplicate edges, two self-loops (one of them twice), and a node without other edges."""
    return torch.tensor([[0, 1, 1, 2, 2, 4, 1, 0], [1, 1, 0, 1, 2, 3, 1, 1]])


@pytest.fixture(params=[0, thresholds.FEW_NUMBERS], ids=["as if large", "small"])
def any_size(request, monkeypatch):
    monkeypatch.setattr(thresholds, "FEW_NUMBERS", request.param)


CONSTRUCTED = [
    ("GATConv", (IN, OUT), {}),
    ("GATConv", ((IN, RIGHT), OUT, HEADS, False, 0.1, 0.5, False, EDGE, "max", False, True), {}),
    ("GATConv", (-1, OUT), {"edge_dim": -1, "residual": True}),
    ("GATConv", ((-1, -1), OUT), {"edge_dim": EDGE, "residual": True}),
    ("GATv2Conv", (IN, OUT), {}),
    ("GATv2Conv", ((IN, RIGHT), OUT, HEADS, False, 0.1, 0.5, False, EDGE, "max", False, False, True), {}),
    ("GATv2Conv", (IN, OUT), {"share_weights": True, "edge_dim": EDGE}),
    ("GATv2Conv", (-1, OUT), {"edge_dim": -1, "residual": True}),
    ("TransformerConv", (IN, OUT), {"root_weight": False}),
    ("TransformerConv", ((IN, RIGHT), OUT, HEADS, False, True, 0.5, EDGE, False), {}),
    ("TransformerConv", (-1, OUT, HEADS), {"edge_dim": -1, "beta": True}),
    ("TransformerConv", ((-1, -1), OUT), {"edge_dim": EDGE}),
]


def made(name, args, kwargs):
    import torch_geometric.nn as theirs

    torch.manual_seed(7)
    mine = getattr(ga.nn, name)(*args, **kwargs)
    torch.manual_seed(7)
    return mine, getattr(theirs, name)(*args, **kwargs)


def assert_equal_states(mine, pygs):
    assert list(mine.state_dict()) == list(pygs.state_dict())
    assert [name for name, _ in mine.named_parameters()] == [name for name, _ in pygs.named_parameters()]
    for key, tensor in pygs.state_dict().items():
        found = mine.state_dict()[key]
        assert type(found) is type(tensor), key
        if not isinstance(tensor, torch.nn.UninitializedParameter):
            assert torch.equal(found, tensor), key


@pytest.mark.parametrize(("name", "args", "kwargs"), CONSTRUCTED, ids=str)
def test_the_same_seed_gives_the_same_parameters(name, args, kwargs):
    mine, pygs = made(name, args, kwargs)
    assert repr(mine) == repr(pygs)
    public = {key: value for key, value in vars(pygs).items() if not key.startswith("_")}
    for key in public.keys() - {"inspector", "aggr_module", "fuse", "aggr"}:
        assert getattr(mine, key) == public[key], key
    if "-1" not in str(args):  # biases of layers without a width are not drawn yet
        assert_equal_states(mine, pygs)
        for layer in (mine, pygs):
            torch.manual_seed(11)
            layer.reset_parameters()
        assert_equal_states(mine, pygs)


@pytest.mark.usefixtures("any_size")
@pytest.mark.parametrize(("name", "args", "kwargs"), [case for case in CONSTRUCTED if "-1" in str(case)], ids=str)
def test_sizes_found_at_the_first_call(name, args, kwargs):
    mine, pygs = made(name, args, kwargs)
    x = torch.randn(6, IN)
    x = (x, torch.randn(6, RIGHT)) if isinstance(args[0], tuple) else x
    attr = torch.randn(8, EDGE)
    torch.manual_seed(3)
    out = mine(x, looped_edges(), attr)
    torch.manual_seed(3)
    torch.testing.assert_close(out, pygs(x, looped_edges(), attr))
    assert_equal_states(mine, pygs)
    fresh, _ = made(name, args, kwargs)
    fresh.load_state_dict(pygs.state_dict(), strict=True)
    torch.testing.assert_close(fresh(x, looped_edges(), attr), out)
    unsized, _ = made(name, args, kwargs)
    for layer in (mine, pygs):
        layer.load_state_dict(unsized.state_dict(), strict=True)
        assert any(isinstance(parameter, torch.nn.UninitializedParameter) for parameter in layer.parameters())


@pytest.mark.parametrize("name", LAYERS)
def test_copies_and_files(name):
    mine, pygs = twins(name, IN, OUT, HEADS)
    x, edges = numbers(6, IN), looped_edges()
    want = pygs(x, edges)
    file = io.BytesIO()
    torch.save(mine, file)
    file.seek(0)
    for twin in (copy.deepcopy(mine), pickle.loads(pickle.dumps(mine)), torch.load(file, weights_only=False)):
        torch.testing.assert_close(twin(x, edges), want)
    pygs.load_state_dict(mine.state_dict(), strict=True)
