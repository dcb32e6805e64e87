"""PyG's layers inside a model exchanged for ours and back: same objects inside, same answers."""

import copy

import pytest
import torch
from pyg_twin import assert_same
from torch.testing import assert_close

import graphattn as ga
from graphattn.nn.pyg import registry

pyg = pytest.importorskip("torch_geometric.nn")

IN, OUT = 5, 7


def edges():
    return torch.tensor([[0, 1, 1, 2, 2, 4, 1, 0], [1, 1, 0, 1, 2, 3, 1, 1]])


class Model(torch.nn.Module):
    """PyG's layers in lists, dictionaries and containers, one of them in two places, one lazy, one derived."""

    def __init__(self):
        super().__init__()

        class Derived(pyg.GATConv):
            pass

        shared = pyg.GATv2Conv(OUT, OUT)
        self.layers = torch.nn.ModuleList([pyg.GATConv(-1, OUT, dropout=0.5), shared, shared])
        self.named = torch.nn.ModuleDict({"transformer": pyg.TransformerConv(OUT, OUT, beta=True)})
        self.sequence = pyg.Sequential("x, edge_index", [(pyg.GATConv(OUT, OUT), "x, edge_index -> x")])
        self.derived = Derived(OUT, OUT)
        self.other = pyg.GCNConv(OUT, OUT)

    def forward(self, x, edge_index):
        for layer in [*self.layers, self.named["transformer"], self.sequence, self.derived, self.other]:
            x = layer(x, edge_index).tanh()
        return x


@pytest.fixture
def model():
    torch.manual_seed(0)
    made = Model().double().eval()
    made(torch.randn(6, IN, dtype=torch.float64), edges())
    return made


def swapped(model):
    return sum(type(module).__module__.startswith("graphattn.nn") for module in model.modules())


def test_there_and_back(model):
    x = torch.randn(6, IN, dtype=torch.float64)
    theirs, want = copy.deepcopy(model), model(x, edges())
    before = {name: id(parameter) for name, parameter in model.named_parameters()}
    assert ga.patch(model) is model
    assert swapped(model) == 4
    assert model.layers[1] is model.layers[2]
    assert type(model.derived).__name__ == "Derived"
    assert {name: id(parameter) for name, parameter in model.named_parameters()} == before
    assert list(model.state_dict()) == list(theirs.state_dict())
    assert not any(module.training for module in model.modules())
    assert_same((model, theirs), x, edges())
    assert repr(model) == repr(theirs)
    assert_close(copy.deepcopy(model)(x, edges()), want)
    assert ga.unpatch(model) is model
    assert swapped(model) == 0
    assert [type(module) for module in model.modules()] == [type(module) for module in theirs.modules()]
    assert_same((model, theirs), x, edges())


def test_an_optimizer_made_before_goes_on(model):
    x = torch.randn(6, IN, dtype=torch.float64)
    twin = copy.deepcopy(model)
    optimizers = [torch.optim.Adam(net.parameters(), lr=0.1) for net in (model, twin)]
    for step in range(4):
        ga.patch(model) if step % 2 else ga.unpatch(model)
        for net, optimizer in zip((model, twin), optimizers, strict=True):
            optimizer.zero_grad()
            net(x, edges()).square().sum().backward()
            optimizer.step()
    assert_close(model.state_dict(), twin.state_dict(), rtol=1e-6, atol=1e-6)


def test_hooks_stay_and_can_still_be_removed(model):
    called = []
    handle = model.layers[0].register_forward_hook(lambda module, inputs, out: called.append(type(module).__module__))
    message = model.layers[0].register_message_forward_hook(lambda module, inputs, out: 0 * out)
    inner = model.layers[0].lin.register_forward_hook(lambda module, inputs, out: called.append("lin"))
    x = torch.randn(6, IN, dtype=torch.float64)
    silent = model(x, edges())
    called.clear()
    ga.patch(model)
    assert_close(model(x, edges()), silent)
    assert called == ["lin", "graphattn.nn.pyg.conv.gat"]
    for each in (handle, message, inner):
        each.remove()
    assert not torch.allclose(model(x, edges()), silent)
    assert len(called) == 2


def test_explainer_state_stays(model):
    layer = model.layers[0]
    layer.explain = False
    ga.patch(model)
    assert model.layers[0].explain is False
    model.layers[0].explain = True
    model.layers[0]._edge_mask, model.layers[0]._loop_mask = torch.zeros(8), edges()[0] != edges()[1]
    masked = model.layers[0](x := torch.randn(6, IN, dtype=torch.float64), edges())
    ga.unpatch(model)
    assert_close(model.layers[0](x, edges()), masked)


@pytest.mark.parametrize("name", sorted(registry.LAYERS))
def test_every_layer_has_a_namesake(name):
    assert registry.ours_for(getattr(pyg, name)) is getattr(ga.nn, name)
    assert registry.theirs_for(getattr(ga.nn, name)) is getattr(pyg, name)


def test_one_layer():
    theirs = pyg.GATConv(IN, OUT, heads=3)
    ours = ga.nn.from_pyg_layer(theirs)
    assert type(ours) is ga.nn.GATConv
    assert ours.att_src is theirs.att_src
    assert type(ga.patch(theirs)) is ga.nn.GATConv
    with pytest.raises(TypeError, match=r"there is no layer here for torch_geometric.*GCNConv"):
        ga.nn.from_pyg_layer(pyg.GCNConv(IN, OUT))


def test_a_layer_inside_a_layer_of_pygs():
    torch.manual_seed(0)
    model = torch.nn.ModuleList([pyg.GPSConv(8, pyg.TransformerConv(8, 8), heads=2)]).eval()
    x = torch.randn(6, 8)
    want = model[0](x, edges())
    ga.patch(model)
    assert [type(layer).__module__ for layer in (model[0], model[0].conv)] == [
        "graphattn.nn.pyg.gps",
        "graphattn.nn.pyg.conv.transformer",
    ]
    assert_close(model[0](x, edges()), want)
    ga.unpatch(model)
    assert swapped(model) == 0
    assert_close(model[0](x, edges()), want)


@pytest.mark.parametrize("v2", [False, True])
def test_a_model_of_pygs(v2):
    torch.manual_seed(0)
    model = pyg.GAT(IN, 6, 3, OUT, heads=2, v2=v2, jk="cat").eval()
    x = torch.randn(6, IN)
    want = model(x, edges())
    assert_close(ga.patch(model)(x, edges()), want)
    assert swapped(model) == 3
