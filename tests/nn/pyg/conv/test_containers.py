"""The layers inside what PyG and PyTorch put around them."""

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pyg_twin import assert_same, twins
from torch.testing import assert_close

import graphattn as ga

pyg = pytest.importorskip("torch_geometric")
from torch_geometric import nn as theirs  # noqa: E402
from torch_geometric.data import Batch, Data  # noqa: E402

IN, OUT, HEADS, EDGE = 5, 7, 3, 2
LAYERS = ["GATConv", "GATv2Conv", "TransformerConv"]


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def edges(num_src=6, num_dst=6, count=11):
    return torch.stack([torch.randint(num_src, (count,)), torch.randint(num_dst, (count,))])


def two_kinds():
    x = {"a": numbers(6, IN), "b": numbers(4, IN)}
    links = {("a", "to", "b"): edges(6, 4), ("b", "to", "a"): edges(4, 6), ("a", "in", "a"): edges(6, 6)}
    return x, links


@pytest.mark.parametrize("name", LAYERS)
def test_hetero_conv(name):
    x, links = two_kinds()
    options = {} if name == "TransformerConv" else {"add_self_loops": False}
    layers = {link: twins(name, (IN, IN), OUT, HEADS, **options) for link in links}
    pair = [theirs.HeteroConv({link: both[i] for link, both in layers.items()}) for i in (0, 1)]
    assert_same(pair, x, links)


class Net(torch.nn.Module):
    def __init__(self, conv, **options):
        super().__init__()
        self.first = conv((-1, -1), OUT, **options)
        self.second = conv((-1, -1), OUT, **options)

    def forward(self, x, edge_index):
        return self.second(self.first(x, edge_index).relu(), edge_index)


@pytest.mark.parametrize("name", LAYERS)
def test_to_hetero(name):
    x, links = two_kinds()
    options = {} if name == "TransformerConv" else {"add_self_loops": False}
    pair = []
    for source in (ga.nn, theirs):
        torch.manual_seed(0)
        net = theirs.to_hetero(Net(getattr(source, name), **options), (list(x), list(links))).double()
        with torch.no_grad():
            net(x, links)  # draws the lazy weights
        pair.append(net)
    pair[0].load_state_dict(pair[1].state_dict(), strict=True)
    assert_same(pair, x, links)


@pytest.mark.parametrize("name", LAYERS)
def test_sequential(name):
    def build(source):
        layer = getattr(source, name)
        return theirs.Sequential("x, edge_index", [(layer(IN, OUT), "x, edge_index -> x"), torch.nn.ReLU()]).double()

    pair = build(ga.nn), build(theirs)
    pair[0].load_state_dict(pair[1].state_dict(), strict=True)
    assert_same(pair, numbers(6, IN), edges())


@pytest.mark.parametrize("name", LAYERS)
def test_batches_of_graphs(name):
    graphs = [Data(x=numbers(n, IN), edge_index=edges(n, n), edge_attr=numbers(11, EDGE)) for n in (3, 6, 1)]
    batch = Batch.from_data_list(graphs)
    pair = twins(name, IN, OUT, HEADS, edge_dim=EDGE)
    assert_same(pair, batch.x, batch.edge_index, batch.edge_attr)
    separate = torch.cat([pair[0](graph.x, graph.edge_index, graph.edge_attr) for graph in graphs])
    assert_close(pair[0](batch.x, batch.edge_index, batch.edge_attr), separate)


@pytest.mark.parametrize("name", LAYERS)
def test_batches_of_a_neighbor_loader(name):
    from torch_geometric.loader import NeighborLoader
    from torch_geometric.typing import WITH_PYG_LIB, WITH_TORCH_SPARSE

    if not (WITH_PYG_LIB or WITH_TORCH_SPARSE):
        pytest.skip("PyG samples neighbors with pyg-lib or torch-sparse, and neither is installed")
    data = Data(x=numbers(40, IN), edge_index=edges(40, 40, 200))
    pair = twins(name, IN, OUT, HEADS)
    for batch in NeighborLoader(data, [3, 3], batch_size=7, input_nodes=torch.arange(21)):
        assert_same(pair, batch.x, batch.edge_index)


@pytest.mark.parametrize("name", LAYERS)
def test_nodes_of_a_batch_as_a_bipartite_graph(name):
    """As loaders of layered batches (and the trimming of `trim_to_layer`) use the layers: targets come first."""
    pair = twins(name, IN, OUT, HEADS)
    x = numbers(9, IN)
    assert_same(pair, (x, x[:4]), edges(9, 4))


# What PyTorch does with modules


OTHERS = {
    "SuperGATConv": lambda: ga.nn.SuperGATConv(IN, OUT, HEADS),
    "AGNNConv": lambda: ga.nn.AGNNConv(),
    "GeneralConv": lambda: ga.nn.GeneralConv(IN, OUT, attention=True, heads=HEADS),
    "GPSConv": lambda: ga.nn.GPSConv(IN, ga.nn.GATConv(IN, IN)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_layers_copied_and_in_halves(name):
    layer = OTHERS[name]().eval()
    x, edge_index = torch.randn(6, IN), edges()
    want = layer(x, edge_index)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(twin(x, edge_index), want)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_close(layer(x, edge_index).float(), want, atol=0.2, rtol=0.2)
    assert_close(layer.bfloat16()(x.bfloat16(), edge_index).float(), want, atol=0.2, rtol=0.2)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("by_messages", [False, True])
def test_second_derivatives(name, by_messages):
    """By the fused operator, or by messages, for which a hook that does nothing asks."""
    pair = twins(name, IN, OUT, HEADS)
    x, edge_index = numbers(6, IN).requires_grad_(), edges()
    if by_messages:
        pair[0].register_message_forward_hook(lambda module, inputs, out: None)
    seconds = []
    for layer in pair:
        (first,) = torch.autograd.grad(layer(x, edge_index).square().sum(), x, create_graph=True)
        seconds.append(torch.autograd.grad(first.square().sum(), x)[0])
    assert_close(*seconds)


@pytest.mark.parametrize("name", LAYERS)
def test_autocast(name):
    mine, pygs = (layer.float() for layer in twins(name, IN, OUT, HEADS, edge_dim=EDGE))
    arguments = torch.randn(6, IN), edges(), torch.randn(11, EDGE)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out, want = mine(*arguments), pygs(*arguments)
    assert out.dtype == want.dtype
    assert_close(out.float(), want.float(), atol=0.1, rtol=0.1)
    assert_close(out.float(), mine(*arguments), atol=0.1, rtol=0.1)


@pytest.mark.parametrize("name", LAYERS)
def test_half_precision(name):
    mine, _ = twins(name, IN, OUT, HEADS, edge_dim=EDGE)
    arguments = numbers(6, IN), edges(), numbers(11, EDGE)
    want = mine(*arguments)
    halves = [argument.bfloat16() if argument.is_floating_point() else argument for argument in arguments]
    out = mine.bfloat16()(*halves)
    assert out.dtype == torch.bfloat16
    assert_close(out.double(), want, atol=0.2, rtol=0.1)


@pytest.mark.parametrize("name", LAYERS)
def test_the_same_bits_in_each_run_in_deterministic_mode(name):
    layer = getattr(ga.nn, name)(IN, OUT, HEADS, edge_dim=EDGE, dropout=0.5)
    arguments = torch.randn(50, IN), edges(50, 50, 400), torch.randn(400, EDGE)

    def gradients():
        torch.manual_seed(0)
        return torch.autograd.grad(layer(*arguments).square().sum(), list(layer.parameters()))

    torch.use_deterministic_algorithms(True)
    try:
        first, second = gradients(), gradients()
    finally:
        torch.use_deterministic_algorithms(False)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_distributed_data_parallel(tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    try:
        for name in LAYERS:
            layer = getattr(ga.nn, name)(IN, OUT, HEADS)
            wrapped = torch.nn.parallel.DistributedDataParallel(layer)
            wrapped(torch.randn(6, IN), edges()).sum().backward()
            assert all(parameter.grad is not None for parameter in layer.parameters())
    finally:
        torch.distributed.destroy_process_group()


def test_gradients_of_two_processes_are_averaged(tmp_path):
    script = Path(__file__).with_name("two_processes.py")
    subprocess.run([sys.executable, script, tmp_path / "store"], check=True, timeout=200)


@pytest.mark.parametrize("name", LAYERS)
def test_inference_mode_first_and_training_after(name):
    mine, pygs = twins(name, IN, OUT, HEADS)
    x, edge_index = numbers(6, IN), edges()
    with torch.inference_mode():
        mine(x, edge_index)
    assert_same((mine, pygs), x, edge_index)


def test_inference_mode_first_with_relations_sets_and_matrices():
    """What is prepared in inference mode, as by a validation before training, serves the backward pass after it."""
    x, edge_index, relation = numbers(6, IN), edges(), torch.arange(11) % 4
    matrix = torch.sparse_coo_tensor(edge_index, numbers(11, EDGE), (6, 6, EDGE)).coalesce()
    sets = torch.tensor([0, 0, 1, 1, 1, 2])
    sums = [source.AttentionalAggregation(torch.nn.Linear(IN, 1)).double() for source in (ga.nn, theirs)]
    sums[0].load_state_dict(sums[1].state_dict())
    for pair, others in (
        (twins("RGATConv", IN, OUT, 4), (edge_index, relation)),
        (twins("GATConv", IN, OUT, HEADS, edge_dim=EDGE), (matrix,)),
        (sums, (sets,)),
    ):
        with torch.inference_mode():
            pair[0](x, *others)
        assert_same(pair, x, *others)


@pytest.mark.parametrize("name", LAYERS)
def test_hooks_and_replaced_maps_of_edge_features_are_called(name):
    """As adapters (LoRA) and quantization need it: a map that is not a plain one is called, not read."""
    pair = twins(name, IN, OUT, HEADS, edge_dim=EDGE)
    arguments = numbers(6, IN), edges(), numbers(11, EDGE)
    before = pair[0](*arguments)
    for layer in pair:
        layer.lin_edge.register_forward_hook(lambda module, inputs, out: 2 * out)
    assert_same(pair, *arguments)
    assert not torch.allclose(pair[0](*arguments), before)
    for layer in pair:
        torch.manual_seed(0)
        layer.lin_edge = torch.nn.Sequential(torch.nn.Linear(EDGE, HEADS * OUT), torch.nn.Tanh()).double()
    assert_same(pair, *arguments)
