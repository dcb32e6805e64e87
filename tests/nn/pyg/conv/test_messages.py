"""Layers send messages where something asks for them, and then give what PyG's give; else the operator runs."""

import pytest
import torch
from pyg_twin import assert_same, twins
from torch.testing import assert_close

import graphattn as ga

pyg = pytest.importorskip("torch_geometric")
from torch_geometric.explain import AttentionExplainer, Explainer, GNNExplainer  # noqa: E402
from torch_geometric.explain.algorithm.utils import clear_masks, set_masks  # noqa: E402

IN, OUT, HEADS, EDGE = 5, 7, 3, 2
LAYERS = {"GATConv": {}, "GATv2Conv": {}, "TransformerConv": {}}
HOOKS = ["propagate", "message", "aggregate", "edge_update"]


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def edges():
    return torch.tensor([[0, 1, 1, 2, 2, 4, 1, 0], [1, 1, 0, 1, 2, 3, 1, 1]])


@pytest.fixture(params=LAYERS)
def pair(request):
    return twins(request.param, IN, OUT, HEADS, **LAYERS[request.param])


def test_the_fused_operator_runs_unless_asked(pair):
    layer, _ = pair
    assert not layer.sends_messages
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layer, "propagate", None)
        layer(numbers(6, IN), edges())


def test_pyg_has_written_its_steps_for_the_layer(pair):
    layer = type(pair[0])
    assert layer._jinja_propagate is not layer._orig_propagate


def test_both_paths_agree(pair, monkeypatch):
    layer, _ = pair
    x = numbers(6, IN)
    fused = layer(x, edges())
    monkeypatch.setattr(type(layer), "sends_messages", True)
    assert_close(layer(x, edges()), fused)


@pytest.mark.parametrize("apply_sigmoid", [True, False])
def test_edge_masks_of_explainers(pair, apply_sigmoid):
    x, mask = numbers(6, IN), torch.rand(8, dtype=torch.float64)
    for layer in pair:
        set_masks(layer, torch.nn.Parameter(mask.clone()), edges(), apply_sigmoid)
    assert pair[0].sends_messages
    assert_same(pair, x, edges())
    masked = pair[0](x, edges())
    clear_masks(pair[0])
    assert not pair[0].sends_messages
    assert not torch.allclose(pair[0](x, edges()), masked)


def scaled(module, inputs, out=None):
    """A hook that changes what passes: the last dictionary of arguments before a step, the result after one."""
    if out is not None:
        return out * 1.5
    *first, arguments = inputs
    changed = {
        key: value * 1.5 if isinstance(value, torch.Tensor) and value.is_floating_point() else value
        for key, value in arguments.items()
    }
    return (*first, changed)


@pytest.mark.parametrize("kind", ["forward", "forward_pre"])
@pytest.mark.parametrize("step", HOOKS)
def test_hooks_on_steps(pair, step, kind):
    if step == "edge_update" and "edge_update" not in vars(type(pair[0])):
        pytest.skip("the layer has no such step")
    x = numbers(6, IN)
    before = pair[0](x, edges())
    handles = [getattr(layer, f"register_{step}_{kind}_hook")(scaled) for layer in pair]
    assert_same(pair, x, edges())
    if (step, kind) != ("aggregate", "forward_pre"):  # whose arguments are sizes and indices
        assert not torch.allclose(pair[0](x, edges()), before)
    for handle in handles:
        handle.remove()
    assert_close(pair[0](x, edges()), before)


def test_a_hook_on_the_aggregation(pair):
    x = numbers(6, IN)
    before = pair[0](x, edges())
    for layer in pair:
        layer.aggr_module.register_forward_hook(lambda module, inputs, out: 2 * out)
    assert_same(pair, x, edges())
    assert not torch.allclose(pair[0](x, edges()), before)


def test_feature_decomposition():
    for name in LAYERS:  # PyG's layers fail with it
        whole, _ = twins(name, IN, 8, HEADS)
        torch.manual_seed(0)
        layer = getattr(ga.nn, name)(IN, 8, HEADS, decomposed_layers=2).double()
        layer.load_state_dict(whole.state_dict())
        assert not layer.sends_messages
        x = numbers(6, IN)
        assert_close(layer(x, edges()), whole(x, edges()))


def test_steps_written_anew_in_a_class_or_on_a_layer(pair):
    layer, _ = pair
    x = numbers(6, IN)

    def aggregate(self, inputs, index, ptr=None, dim_size=None):
        return 3 * super(type(self), self).aggregate(inputs, index, ptr, dim_size)

    name = type(layer).__name__  # PyG keeps what it writes for a class by the name of the class
    louder_kind = type(f"Louder{name}", (type(layer),), {"aggregate": aggregate})
    renamed_kind = type(f"Renamed{name}", (type(layer),), {})
    options = {"bias": False} | ({"root_weight": False} if "Transformer" in type(layer).__name__ else {})
    plain, louder, renamed = (
        kind(IN, OUT, HEADS, **options).double() for kind in (type(layer), louder_kind, renamed_kind)
    )
    louder.load_state_dict(plain.state_dict())
    renamed.load_state_dict(plain.state_dict())
    assert louder.sends_messages
    assert not renamed.sends_messages
    assert_close(louder(x, edges()), 3 * plain(x, edges()))
    assert_close(renamed(x, edges()), plain(x, edges()))
    plain.aggregate = lambda inputs, index, ptr=None, dim_size=None: torch.zeros(6, HEADS, OUT, dtype=inputs.dtype)
    assert plain.sends_messages
    assert not plain(x, edges()).any()


class Net(torch.nn.Module):
    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x, edge_index):
        return self.second(self.first(x, edge_index).relu(), edge_index).log_softmax(-1)


@pytest.fixture(params=LAYERS)
def nets(request):
    first, second = twins(request.param, IN, OUT, HEADS), twins(request.param, HEADS * OUT, 4)
    return [Net(*layers).float() for layers in zip(first, second, strict=True)]


def explained(net, algorithm, x, edge_index):
    torch.manual_seed(0)
    model = {"mode": "multiclass_classification", "task_level": "node", "return_type": "log_probs"}
    kind = "attributes" if isinstance(algorithm, GNNExplainer) else None
    explainer = Explainer(net, algorithm, "model", model, node_mask_type=kind, edge_mask_type="object")
    return explainer(x, edge_index, index=1)


@pytest.mark.parametrize("algorithm", [AttentionExplainer, GNNExplainer])
def test_explainers(nets, algorithm):
    x, edge_index = torch.randn(6, IN), edges()
    found, want = (
        explained(net, algorithm(**({"epochs": 5} if algorithm is GNNExplainer else {})), x, edge_index) for net in nets
    )
    assert want.edge_mask.any()
    assert_close(found.edge_mask, want.edge_mask)
    assert not any(layer.sends_messages for layer in (nets[0].first, nets[0].second))
