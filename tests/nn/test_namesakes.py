"""Every layer and model beside PyG's of that name: arguments, saved states, copies, exchange."""

import copy
import inspect
import io
import pickle

import pytest
import torch
from pyg_twin import leaves, randomize
from torch.testing import assert_close

import graphattn as ga
from graphattn.nn.pyg import registry

theirs = pytest.importorskip("torch_geometric.nn")

IN, OUT, HEADS, EDGE, NODES, COUNT = 8, 4, 2, 3, 6, 11
LINK = ("a", "to", "a")
KINDS = (["a"], [LINK])


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def edges():
    return torch.randint(NODES, (2, COUNT), generator=torch.Generator().manual_seed(0))


def in_sets():
    return numbers(NODES, IN), torch.tensor([0, 0, 1, 1, 1, 2])


def plain():
    return numbers(NODES, IN), edges()


def with_features():
    return *plain(), numbers(COUNT, EDGE)


def of_kinds():
    return {"a": numbers(NODES, IN)}, {LINK: edges()}


CASES = {
    "GATConv": (lambda s: s.GATConv(IN, OUT, HEADS, edge_dim=EDGE), with_features),
    "GATv2Conv": (lambda s: s.GATv2Conv(IN, OUT, HEADS, edge_dim=EDGE), with_features),
    "TransformerConv": (lambda s: s.TransformerConv(IN, OUT, HEADS, beta=True), plain),
    "SuperGATConv": (lambda s: s.SuperGATConv(IN, OUT, HEADS), plain),
    "AGNNConv": (lambda s: s.AGNNConv(), plain),
    "DenseGATConv": (
        lambda s: s.DenseGATConv(IN, OUT, HEADS),
        lambda: (numbers(2, NODES, IN), (numbers(2, NODES, NODES) > 0).double()),
    ),
    "RGATConv": (lambda s: s.RGATConv(IN, OUT, 3, heads=HEADS), lambda: (*plain(), torch.arange(COUNT) % 3)),
    "HGTConv": (lambda s: s.HGTConv(-1, IN, KINDS, HEADS), of_kinds),
    "HANConv": (lambda s: s.HANConv(-1, IN, KINDS, HEADS), of_kinds),
    "GeneralConv": (lambda s: s.GeneralConv(IN, OUT, attention=True, heads=HEADS), plain),
    "GPSConv": (lambda s: s.GPSConv(IN, s.GATConv(IN, IN), HEADS), plain),
    "AttentionalAggregation": (lambda s: s.AttentionalAggregation(torch.nn.Linear(IN, 1)), in_sets),
    "Set2Set": (lambda s: s.Set2Set(IN, 2), in_sets),
    "SetTransformerAggregation": (lambda s: s.SetTransformerAggregation(IN, 2, heads=HEADS), in_sets),
    "GraphMultisetTransformer": (lambda s: s.GraphMultisetTransformer(IN, 2, heads=HEADS), in_sets),
    "GAT": (lambda s: s.GAT(IN, IN, 2, OUT, heads=HEADS, norm="batch_norm", jk="lstm"), plain),
    "AttentiveFP": (
        lambda s: s.AttentiveFP(IN, IN, OUT, EDGE, 2, 2),
        lambda: (*with_features(), torch.tensor([0, 0, 0, 1, 1, 1])),
    ),
}


def pair_of(name):
    torch.manual_seed(0)
    make, arguments_of = CASES[name]
    arguments = arguments_of()
    pair = [make(source).double().eval() for source in (ga.nn, theirs)]
    with torch.no_grad():
        for layer in pair:
            layer(*arguments)  # draws what waits for its width
    randomize(pair[1])
    return *pair, arguments


def through_a_file(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def assert_alike(layer, other, arguments):
    found, want = leaves(layer(*arguments)), leaves(other(*arguments))
    assert found.keys() == want.keys()
    assert_close(list(found.values()), list(want.values()))


def test_no_layer_is_forgotten():
    assert CASES.keys() == registry.LAYERS.keys()


@pytest.mark.parametrize("method", ["__init__", "forward"])
@pytest.mark.parametrize("name", CASES)
def test_arguments_their_order_and_their_defaults(name, method):
    mine, pygs = (
        [(each.name, each.kind, each.default) for each in inspect.signature(getattr(kind, method)).parameters.values()]
        for kind in (getattr(ga.nn, name), getattr(theirs, name))
    )
    ours_alone = {("GPSConv", "forward"): {"attn_bias"}}.get((name, method), set())
    assert [each for each in mine if each[0] not in ours_alone] == pygs
    assert ours_alone <= {each for each, *_ in mine}


@pytest.mark.parametrize("name", CASES)
def test_a_saved_state_is_loaded_here_and_there(name):
    mine, pygs, arguments = pair_of(name)
    mine.load_state_dict(through_a_file(pygs.state_dict()), strict=True)
    assert_alike(mine, pygs, arguments)
    randomize(mine)
    pygs.load_state_dict(through_a_file(mine.state_dict()), strict=True)
    assert_alike(mine, pygs, arguments)


@pytest.mark.parametrize("name", CASES)
def test_copies_and_pickles(name):
    mine, _, arguments = pair_of(name)
    for twin in (copy.deepcopy(mine), pickle.loads(pickle.dumps(mine))):
        assert_alike(twin, mine, arguments)
        assert {id(each) for each in twin.parameters()}.isdisjoint(id(each) for each in mine.parameters())


@pytest.mark.parametrize("name", CASES)
def test_a_whole_model_patched_in_place_and_back(name):
    mine, pygs, arguments = pair_of(name)
    mine.load_state_dict(pygs.state_dict())
    model = torch.nn.ModuleDict({"layer": pygs})
    ga.patch(model)
    assert type(model["layer"]) is type(mine)
    assert_alike(model["layer"], mine, arguments)
    ga.unpatch(model)
    assert type(model["layer"]) is type(pygs)
    assert_alike(model["layer"], mine, arguments)
