"""The kernels on dense rowblocks: their numbers, the calls that they serve, and the bytes that they move."""

import math

import pytest
import torch
from ops.lowering.cases import Case, attend, call, loss, pairwise, run, same_bits, tensors, with_
from ops.lowering.rounding import assert_as_good_as_plain_torch
from ops.triton.communities import communities

import graphattn as ga

FORWARD, SOURCE, DESTINATION = (
    "attend_fwd_rowblock_kernel", "attend_bwd_rowblock_source_kernel", "attend_bwd_rowblock_destination_kernel",
)  # fmt: skip
KERNELS = {FORWARD, SOURCE, DESTINATION}
CASES = pairwise(
    score=("dot", "cosine"),
    normalize=("softmax", "relu", "sigmoid", "identity"),
    edges=("nothing", "bias"),
    dtype=(torch.float32, torch.float16, torch.bfloat16),
    heads=((2, 2), (4, 2), (3, 1)),
    widths=((5, 7, 1), (17, 3, 1), (32, 33, 1)),
    returns=("out", "state"),
    dropout=(0.0, 0.4),
)
GRAPHS = {
    "communities": communities(21, 21, 9, scattered=9),  # the last rowblock has five rows
    "bipartite": communities(18, 40, 6, scattered=25),  # the last rowblocks of sources have few edges, or none
}
ZOO = ga.testing.zoo()
SIMPLE = sorted(name for name, graph in ZOO.items() if 0 < graph.num_edges == graph.edge_index.unique(dim=1).shape[1])


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_pair_of_choices(case, rowblocks_everywhere, started):
    graph = GRAPHS["communities" if case.dropout else "bipartite"]
    assert_as_good_as_plain_torch(case, graph, tensors(case, graph))
    assert set(started) >= KERNELS


@pytest.mark.parametrize("name", SIMPLE)
def test_on_the_zoo(name, rowblocks_everywhere, started):
    case = Case(edges="bias", heads=(4, 2), dtype=torch.bfloat16)
    assert_as_good_as_plain_torch(case, ZOO[name], tensors(case, ZOO[name]))
    assert set(started) - {"attend_bwd_row_terms_kernel"} >= KERNELS


def test_some_rowblocks_and_some_rows(small_bins, started):
    """Half of a graph dense, half not, and a hub that is cut into pieces."""
    dense, sparse = communities(16, 16, 16).edge_index, torch.stack([torch.arange(40), 32 + torch.arange(40) % 9])
    graph = ga.Graph(torch.cat([dense, sparse], dim=1), 41)
    for case in (Case(edges="bias", heads=(1, 1), widths=(32, 16, 1)), Case(heads=(1, 1), widths=(16, 16, 1))):
        started.clear()
        assert_as_good_as_plain_torch(case, graph, tensors(case, graph))
        assert set(started) >= {
            *KERNELS,
            "attend_fwd_kernel",
            "attend_bwd_source_kernel",
            "attend_bwd_destination_recompute_kernel",
        }
        assert "attend_bwd_destination_kernel" not in started


def test_rowblocks_of_one_side_alone(started):
    """Sixteen destinations in a row see the same sources; those lie far apart, each among others with no edge."""
    src, dst = 17 * torch.arange(7), torch.arange(16)
    edges = torch.stack([src.repeat(16), dst.repeat_interleave(7)])
    for flip, used in ((False, {FORWARD, DESTINATION}), (True, {SOURCE})):
        sizes = {"num_dst": 16, "num_src": 119}
        graph = ga.Graph(edges, **sizes).reverse() if flip else ga.Graph(edges, **sizes)
        case = Case(edges="bias", heads=(1, 1), widths=(32, 32, 1))
        started.clear()
        assert_as_good_as_plain_torch(case, graph, tensors(case, graph))
        assert set(started) & KERNELS == used


def test_the_mask_of_dropout_is_that_of_rows(started, monkeypatch):
    """Values that are rows of a unit matrix give the weights of each row."""
    from graphattn.ops.triton import rowblocks

    graph, found = GRAPHS["communities"], []
    case = Case(heads=(4, 2), dropout=0.4)
    given = {name: tensor.float() for name, tensor in tensors(case, graph).items()}
    given["v"] = torch.eye(21)[:, None, :].expand(21, 2, 21).contiguous()
    for enough in (0, math.inf):
        monkeypatch.setattr(rowblocks, "ENOUGH", enough)
        fresh = ga.Graph(graph.edge_index, 21)
        started.clear()
        found.append(attend(case, fresh, given, "triton")[0])
        assert (FORWARD in started) == (enough == 0)
    assert torch.equal(found[0] == 0, found[1] == 0)
    torch.testing.assert_close(*found)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_the_same_bits_each_time(dtype, rowblocks_everywhere, started):
    case = Case(edges="bias", heads=(4, 2), dropout=0.4, dtype=dtype)
    found = []
    for _ in range(2):
        graph = communities(21, 21, 9, scattered=9)  # whose rowblocks are found anew
        found.append(run(case, graph, tensors(case, graph), "triton"))
    assert same_bits(*found)
    assert set(started) >= KERNELS


@pytest.mark.parametrize("where", ["v", "k", "q", "edge_bias"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_nan_stays_in_its_row(where, value, rowblocks_everywhere, started):
    graph = ga.Graph(torch.tensor([[0, 1, 2, 3], [0, 0, 1, 2]]), num_nodes=4)
    case = Case(edges="bias")
    given = tensors(case, graph)
    given[where][1] = value  # node 1, or the edge from it
    found = run(case, graph, given, "triton")
    row = 1 if where == "q" else 0
    others = [0, 2] if where == "q" else [1, 2]
    assert not found["out"][row].isfinite().any()
    assert found["out"][others].isfinite().all()
    for name in ("v", "k"):
        assert found[f"grad of {name}"][3].isfinite().all(), name
    assert found["grad of q"][2].isfinite().all()
    assert set(started) >= KERNELS


def test_hidden_edges_and_hidden_rows(rowblocks_everywhere, started):
    graph = ga.Graph(torch.tensor([[0, 1, 1, 2], [0, 0, 1, 1]]), num_nodes=3)
    for normalize, returns in (("softmax", "state"), ("relu", "out"), ("sigmoid", "out")):
        case = Case(normalize=normalize, edges="bias", returns=returns)
        given = tensors(case, graph)
        given["edge_bias"][1:] = -math.inf
        fused, plain = (run(case, graph, given, backend) for backend in ("triton", "reference"))
        for name, want in plain.items():
            torch.testing.assert_close(fused[name], want, msg=lambda text, name=name: f"{name}: {text}")
        assert not fused["out"][1:].any()
    assert set(started) >= KERNELS


def test_gradients_too_small_for_a_float16(rowblocks_everywhere, started):
    """They are scaled before they are cut to halves: those of scores are near 2e-7, where float16 has steps of 6e-8."""
    graph = GRAPHS["communities"]
    drawn = tensors(Case(heads=(2, 2), widths=(8, 8, 1)), graph)
    found = []
    for size in (1.0, 2.0**-17):
        q, k, v = ((drawn[name] * by).half().requires_grad_() for name, by in (("q", 2**-10), ("k", 2**5), ("v", 1)))
        out = ga.attention(q, k, v, graph, scale=2.0**5, backend="triton")
        grads = torch.autograd.grad(out.double().sum() * size, (q, k))
        found.append(grads[0].double() / size)
    largest = float(found[0].abs().max())
    torch.testing.assert_close(*found, rtol=2e-3, atol=2e-3 * largest)
    assert DESTINATION in started


def test_every_number_is_written(rowblocks_everywhere, new_memory_is_nan, started):
    graph = ga.Graph(torch.tensor([[0, 19, 40], [17, 3, 33]]), 50)  # rows, rowblocks and sources without edges
    for normalize in ("softmax", "relu"):
        case = Case(normalize=normalize, edges="bias", heads=(4, 2))
        found = run(case, graph, tensors(case, graph), "triton")
        assert not any(tensor.isnan().any() for tensor in found.values())
    assert set(started) >= KERNELS


def test_only_the_gradients_asked_for(rowblocks_everywhere, started):
    case, graph = Case(edges="bias"), GRAPHS["bipartite"]
    given = {name: tensor.float() for name, tensor in tensors(case, graph).items()}
    every = {name: tensor.clone().requires_grad_() for name, tensor in given.items()}
    attend(case, graph, every, "triton")[0].square().sum().backward()
    needed = {"q": {DESTINATION}, "edge_bias": {DESTINATION}, "k": {SOURCE}, "v": {SOURCE}}
    for name, kernels in needed.items():
        leaf = given[name].clone().requires_grad_()
        started.clear()
        (out,) = attend(case, graph, given | {name: leaf}, "triton")
        assert torch.equal(torch.autograd.grad(out.square().sum(), leaf)[0], every[name].grad), name
        assert set(started) & {SOURCE, DESTINATION} == kernels


def test_keys_that_are_the_values(rowblocks_everywhere, started):
    graph = GRAPHS["communities"]
    x = torch.randn(21, 3, 5, generator=torch.Generator().manual_seed(0))
    found = []
    for copy in (lambda x: x, torch.clone):
        leaf = x.clone().requires_grad_()
        out = ga.attention(leaf, leaf, copy(leaf), graph, backend="triton")
        out.square().sum().backward()
        found.append({"out": out.detach(), "x": leaf.grad})
    assert same_bits(*found)
    assert set(started) >= KERNELS


def test_indices_of_64_bits(rowblocks_everywhere, monkeypatch):
    from graphattn.graph import graph as module

    case = Case(edges="bias", heads=(4, 2), dropout=0.4)
    narrow = GRAPHS["bipartite"]
    given = tensors(case, narrow)
    found = [run(case, narrow, given, "triton")]
    monkeypatch.setattr(module, "index_dtype", lambda *sizes: torch.int64)
    wide = ga.Graph(narrow.edge_index, num_dst=narrow.num_dst, num_src=narrow.num_src)
    found.append(run(case, wide, given, "triton"))
    assert wide.csr.indptr.dtype == torch.int64
    assert same_bits(*found)


@pytest.fixture
def kernels_of(monkeypatch):
    """The rowblocks' kernels that a forward and a backward pass would start, where none is run."""
    from graphattn.ops.triton import attend, gradient, rowblock_calls

    names = set()

    def note(kernel, *rest, **arguments):
        names.add(kernel.fn.__name__)

    for module in (attend, gradient, rowblock_calls):
        monkeypatch.setattr(module, "launch", note)

    def run_nothing(case, graph):
        names.clear()
        given = {name: x.to(case.dtype).requires_grad_() for name, x in tensors(case, graph).items()}
        loss(call(case, graph, given, "triton"), case.dtype).backward()
        return names & KERNELS

    return run_nothing


SERVED = Case(heads=(2, 2), widths=(32, 32, 1), dtype=torch.bfloat16)
REUSED = communities(48, 48, 24, share=0.7)


@pytest.mark.parametrize(("share", "used"), [(0.3, KERNELS), (0.05, set())])
def test_the_reuse_of_a_graph_decides(share, used, kernels_of):
    graph = communities(96, 96, 32, share=share)
    rowblocks = [graph.edge_index[0, graph.edge_index[1] // 16 == rowblock] for rowblock in range(6)]
    reuse = graph.num_edges / sum(len(rowblock.unique()) for rowblock in rowblocks)
    assert (reuse > 2.2) == bool(used)
    assert kernels_of(SERVED, graph) == used


@pytest.mark.parametrize(
    "change",
    [
        {"score": "additive leaky_relu"},
        {"score": "sum"},
        {"returns": "weights"},
        {"edges": "key"},
        {"edges": "value"},
        {"edges": "low rank"},
        {"dtype": torch.float64},
        {"widths": (32, 257, 1)},
        {"widths": (65, 32, 1), "dtype": torch.float32},
        {"widths": (1, 1, 1), "edges": "bias"},  # which moves more numbers to find the edges than it saves
    ],
    ids=str,
)
def test_what_stays_with_rows(change, kernels_of):
    assert kernels_of(SERVED, REUSED) == KERNELS
    assert kernels_of(with_(SERVED, **change), REUSED) == set()


@pytest.mark.parametrize("heads", [(3, 3), (6, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_each_column_of_a_rowblock_is_moved_once(dtype, heads, rowblocks_everywhere):
    from ops.triton.traffic import counted

    from graphattn.ops.triton.rowblocks import rowblocks_of

    graph, (H, Hk), (D, Dv), b = GRAPHS["bipartite"], heads, (5, 7), dtype.itemsize
    M, N, E = graph.num_dst, graph.num_src, graph.num_edges
    case = Case(heads=heads, widths=(D, Dv, 1), dtype=dtype, edges="bias")
    given = {name: x.to(case.dtype).requires_grad_() for name, x in tensors(case, graph).items()}
    with counted() as found:
        loss(call(case, graph, given, "triton"), case.dtype).backward()
    U, V = (
        rowblocks_of(*form[:2], columns).columns.numel() for form, columns in ((graph.csr, N), (graph.csc, M))
    )  # fmt: skip
    parts = -(-(H // Hk) // 2)  # programs that share the query heads of a key head, two each
    units = Hk * parts
    by_destination = {
        "k": U * Hk * D * b * parts, "v": U * Hk * Dv * b * parts, "q": M * H * D * b, "columns": 4 * U * units,
        "masks": 4 * U * units, "bias": 4 * E * H, "order": 4 * E * H, "edge_ids": 4 * E * H,
    }  # fmt: skip
    loads = {
        FORWARD: by_destination,
        DESTINATION: by_destination | {"grad_out": M * H * Dv * b, "terms": 12 * M * H},
        SOURCE: {
            "q": V * H * D * b, "grad_out": V * H * Dv * b, "terms": 12 * V * H, "columns": 4 * V * H,
            "masks": 4 * V * H, "k": N * Hk * D * b, "v": N * Hk * Dv * b, "bias": 4 * E * H, "order": 4 * E * H,
            "edge_ids": 4 * E * H,
        },
    }  # fmt: skip
    stores = {
        FORWARD: {"out": 4 * M * H * Dv, "lse": 4 * M * H, "rest": 4 * M * H},
        DESTINATION: {"grad_q": M * H * D * b, "grad_bias": 4 * E * H},
        SOURCE: {"grad_k": N * Hk * D * b, "grad_v": N * Hk * Dv * b},
    }
    rows_of_rowblocks = {"indptr", "rowblocks", "starts", "stops"}
    for kernel in KERNELS:
        for kind, expected in (("load", loads[kernel]), ("store", stores[kernel])):
            moved = {name: size for (some, name, what), size in found.items() if (some, what) == (kernel, kind)}
            assert {name: size for name, size in moved.items() if name not in rows_of_rowblocks} == expected, kernel
    assert U < E
    assert V < E
