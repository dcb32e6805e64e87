"""The bytes that the kernels move, counted as they run, against what each must move."""

import pytest
import torch
from ops.lowering.cases import Case, call, loss, tensors

import graphattn as ga

FORWARD, TERMS = "attend_fwd_kernel", "attend_bwd_row_terms_kernel"
SOURCE, DESTINATION = "attend_bwd_source_kernel", "attend_bwd_destination_kernel"
PROJECTION = "attend_bwd_projection_kernel"
GRAPHS = {name: ga.testing.zoo()[name] for name in ("unsorted", "hub", "more_sources", "isolated_nodes")}


def graph_of(nodes, degree):
    torch.manual_seed(0)
    return ga.Graph(torch.randint(0, nodes, (2, nodes * degree)), nodes)


def count(case, graph, *, shared=False):
    """Bytes moved by a forward and a backward pass, by kernel, parameter and direction."""
    from ops.triton.traffic import counted

    given = {name: x.to(case.dtype).requires_grad_() for name, x in tensors(case, graph).items()}
    if shared:
        given["v"] = given["k"]
    with counted() as found:
        loss(call(case, graph, given, "triton"), case.dtype).backward()
    return found


@pytest.mark.parametrize("heads", [(3, 3), (4, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", GRAPHS)
def test_each_tensor_is_moved_no_more_than_it_must(name, dtype, heads):
    graph, (H, Hk), (D, Dv), b, i = GRAPHS[name], heads, (5, 7), dtype.itemsize, 4
    M, N, E = graph.num_dst, graph.num_src, graph.num_edges
    found = count(Case(heads=heads, widths=(D, Dv, 1), dtype=dtype), graph)
    keys, values = Hk * D * b, Hk * Dv * b
    expected = {
        (FORWARD, "k", "load"): E * keys,
        (FORWARD, "v", "load"): E * values,
        (FORWARD, "q", "load"): M * H * D * b,
        (FORWARD, "others", "load"): E * i,
        (FORWARD, "out", "store"): M * H * Dv * 4,
        (FORWARD, "lse", "store"): M * H * 4,
        (FORWARD, "rest", "store"): M * H * 4,
        (TERMS, "out", "load"): M * H * Dv * 4,
        (TERMS, "grad_out", "load"): M * H * Dv * b,
        (TERMS, "terms", "store"): 3 * M * H * 4,
        (SOURCE, "q", "load"): E * H * D * b,
        (SOURCE, "grad_out", "load"): E * H * Dv * b,
        (SOURCE, "terms", "load"): 3 * E * H * 4,
        (SOURCE, "k", "load"): N * keys,
        (SOURCE, "v", "load"): N * values,
        (SOURCE, "others", "load"): E * i,
        (SOURCE, "places", "load"): E * i,
        (SOURCE, "grad_k", "store"): N * keys,
        (SOURCE, "grad_v", "store"): N * values,
        (SOURCE, "grad_score", "store"): E * H * 4,
        (DESTINATION, "k", "load"): E * keys,
        (DESTINATION, "grad_score", "load"): E * H * 4,
        (DESTINATION, "others", "load"): E * i,
        (DESTINATION, "grad_q", "store"): M * H * D * b,
    }
    for key, size in expected.items():
        assert found[key] == size, key
    others = {key: size for key, size in found.items() if key not in expected}
    assert {parameter for _, parameter, _ in others} <= {"starts", "stops", "rows", "indptr", "lse", "rest",
        "part_out", "part_lse", "part_rest", "hubs", "first_pieces", "parts", "total"}  # fmt: skip
    for kernel, rows in ((FORWARD, M), (SOURCE, N), (DESTINATION, M)):
        assert found[kernel, "starts", "load"] <= 2 * rows * i


# Rows gathered for each edge: keys and values, then queries, output gradients and keys again. GATv2 has one row for
# keys and values; GAT compares numbers, not rows.
ROWS = {
    "Transformer": (Case("dot", heads=(4, 4), widths=(16, 16, 1)), False, 2, 3),
    "GATv2": (Case("additive leaky_relu", heads=(4, 4), widths=(16, 16, 1)), True, 1, 3),
    "GAT": (Case("sum", heads=(4, 4), widths=(1, 16, 1)), False, 1, 1),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_gathered_and_all_bytes(name):
    """Against KERNELS' counts without reuse, with N nodes, E edges, F = H · D numbers of b bytes in a row.

    Forward g·E·F·b + 2·N·F·b + 4·(E + N) + 4·N·H, g the gathers; backward g·E·F·b + 8·N·F·b + 16·E·H + 12·E: by source
    first, where passes that each start afresh would gather a row more.
    """
    case, shared, forth, back = ROWS[name]
    graph, (H, _), (_, D, _), b = graph_of(23, 29), case.heads, case.widths, 4
    N, E, F = graph.num_dst, graph.num_edges, H * D
    found = count(case, graph, shared=shared)
    rows = {"q", "k", "v", "grad_out"} if case.score != "sum" else {"v", "grad_out"}
    resident = {(FORWARD, "q"), (DESTINATION, "q"), (SOURCE, "k"), (SOURCE, "v")}

    def gathers(*kernels):
        return sum(
            size
            for (kernel, parameter, kind), size in found.items()
            if kernel in kernels and kind == "load" and parameter in rows and (kernel, parameter) not in resident
        ) / (E * F * b)

    def total(forward):
        return sum(size for (kernel, _, _), size in found.items() if (kernel == FORWARD) == forward)

    assert gathers(FORWARD) == forth
    assert gathers(SOURCE, DESTINATION) == back
    # The numbers that GAT compares; the vector of GATv2, once for each program.
    also = {"Transformer": 0, "GAT": 4 * E * H, "GATv2": N * F * b}[name]
    assert total(True) <= 1.02 * (forth * E * F * b + 2 * N * F * b + 4 * (E + N) + 4 * N * H + also)
    assert total(False) <= 1.02 * (back * E * F * b + 8 * N * F * b + 20 * E * H + 12 * E + also)


@pytest.mark.parametrize("values", [False, True])
def test_edge_features_inside_an_additive_score_are_never_rows(values):
    """Each pass reads the A features of an edge; nothing of H · D numbers is read or written for it but nodes' rows."""
    edges = "low rank" if values else "low rank for keys"
    case = Case("additive leaky_relu", edges=edges, heads=(4, 2), widths=(6, 6, 5), dtype=torch.bfloat16)
    graph, (H, _), (D, _, A), b = graph_of(11, 7), case.heads, case.widths, 2
    E = graph.num_edges
    found = count(case, graph)
    features, scores = E * A * 4, E * H * 4
    expected = {
        (FORWARD, "edge_attr", "load"): features * (2 if values else 1),
        (SOURCE, "edge_attr", "load"): features * (2 if values else 1),
        (SOURCE, "grad_edge_attr", "store"): features if values else 0,
        (DESTINATION, "edge_attr", "load"): features,
        (PROJECTION, "edge_attr", "load"): features,
        (PROJECTION, "grad_edge_attr", "load"): features if values else 0,
        (PROJECTION, "grad_edge_attr", "store"): features,
        (PROJECTION, "q", "load"): E * H * D * b,
        (PROJECTION, "k", "load"): E * H * D * b,  # head by head: from the cache, where heads share a key
        (PROJECTION, "grad_score", "load"): scores,
        (PROJECTION, "others", "load"): E * 4,
        (PROJECTION, "owners", "load"): E * 4,
    }
    for key, size in expected.items():
        assert found[key] == size, key
    assert not any(parameter in ("edge_key", "grad_edge_key") for _, parameter, _ in found)


def test_a_gather_more_would_show():
    """The count of a call that reads keys and values apart, though they are the same."""
    case = Case("additive leaky_relu", heads=(4, 4), widths=(16, 16, 1))
    graph = graph_of(5, 3)
    apart, together = count(case, graph), count(case, graph, shared=True)
    assert apart[FORWARD, "v", "load"] == apart[FORWARD, "k", "load"] == together[FORWARD, "k", "load"]
    assert together[FORWARD, "v", "load"] == 0
