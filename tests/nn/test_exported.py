"""Layers under `torch.export`: numbers of nodes and edges stay open, and PyG's numbers come out at other sizes."""

import pytest
import torch
from every_layer import DROP_INS, OWN
from pyg_twin import randomize
from torch.export import Dim, export
from torch.testing import assert_close

import graphattn as ga
from graphattn.nn.pyg import registry

torch_geometric = pytest.importorskip("torch_geometric")

NODES, EDGES = 53, 101
OPEN = {"AUTO": (Dim.AUTO, Dim.AUTO), "named": (Dim("n"), Dim("e"))}


def shapes(value, nodes, edges):
    """Which axes of the arguments are open."""
    if isinstance(value, dict):
        return {key: shapes(each, nodes, edges) for key, each in value.items()}
    if not isinstance(value, torch.Tensor):
        return None
    sizes = {NODES: nodes, EDGES: edges}
    return {axis: sizes[size] for axis, size in enumerate(value.shape) if size in sizes}


def exported(layer, arguments, dims, *, strict=False):
    torch._dynamo.reset()
    open_axes = tuple(shapes(each, *OPEN[dims]) for each in arguments)
    return export(layer, arguments, dynamic_shapes=open_axes, strict=strict).module()


def made(case):
    make, arguments_of = (DROP_INS | OWN)[case]
    torch.manual_seed(0)
    layer = make().eval().double()
    randomize(layer)

    def doubled(value):
        if isinstance(value, dict):
            return {key: doubled(each) for key, each in value.items()}
        return value.double() if isinstance(value, torch.Tensor) and value.is_floating_point() else value

    return layer, lambda *sizes: tuple(doubled(each) for each in arguments_of(*sizes))


@pytest.mark.parametrize(
    ("strict", "dims"), [(False, "AUTO"), (False, "named"), (True, "named")], ids=["default", "default named", "strict"]
)
@pytest.mark.parametrize("case", DROP_INS | OWN)
def test_numbers_of_nodes_and_edges_stay_open(case, strict, dims):
    layer, arguments_of = made(case)
    program = exported(layer, arguments_of(NODES, EDGES), dims, strict=strict)
    for sizes in ((NODES, EDGES), (77, 131), (11, 29)):
        arguments = arguments_of(*sizes)
        assert_close(program(*arguments), layer(*arguments))


@pytest.mark.parametrize("name", sorted(set(registry.LAYERS) & set(DROP_INS)))
def test_the_program_gives_the_numbers_of_pyg(name, monkeypatch):
    layer, arguments_of = made(name)
    program = exported(layer, arguments_of(NODES, EDGES), "AUTO")
    monkeypatch.setattr("every_layer.ga.nn", torch_geometric.nn)
    theirs, _ = made(name)
    theirs.load_state_dict(layer.state_dict())
    arguments = arguments_of(77, 131)
    assert_close(program(*arguments), theirs(*arguments))


def test_every_drop_in_is_here():
    assert set(registry.LAYERS) - set(DROP_INS) == {"DenseGATConv"}  # which has a test of its own


def test_a_dense_batch_keeps_its_sizes_open():
    def batch(graphs, nodes):
        return torch.randn(graphs, nodes, 8), (torch.randn(graphs, nodes, nodes) > 0).float()

    layer, auto = ga.nn.DenseGATConv(8, 4, 2).eval(), torch.export.Dim.AUTO
    sizes = {0: auto, 1: auto}, {0: auto, 1: auto, 2: auto}
    program = torch.export.export(layer, batch(2, 6), dynamic_shapes=sizes).module()
    arguments = batch(3, 7)
    assert_close(program(*arguments), layer(*arguments))
