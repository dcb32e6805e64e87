import networkx
import numpy
import pytest
import scipy.sparse
import torch
from hypothesis import given
from strategies import graphs
from torch_geometric import EdgeIndex
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import ToSparseTensor
from torch_geometric.utils import from_networkx as pyg_from_networkx

from graphattn.graph import Graph, batch, from_networkx, from_pyg, from_scipy, from_torch_sparse
from graphattn.testing import zoo

EDGES = torch.tensor([[4, 0, 2, 0, 4], [1, 3, 1, 0, 1]])  # 4 -> 1 twice
GRAPH = Graph(EDGES, num_dst=4, num_src=7)
LAYOUTS = [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc]
SQUARE = [name for name, graph in zoo().items() if graph.num_dst == graph.num_src]

pytestmark = pytest.mark.filterwarnings("ignore:Sparse CS[CR] tensor support is in beta")


def dense(graph, weight=None):
    matrix = torch.zeros(graph.num_dst, graph.num_src)
    weight = torch.ones(graph.num_edges) if weight is None else weight
    return matrix.index_put((graph.edge_index[1], graph.edge_index[0]), weight, accumulate=True)


class TestPyg:
    def test_data(self):
        assert from_pyg(Data(edge_index=EDGES, num_nodes=7)) == Graph(EDGES, 7)
        assert from_pyg(Data(edge_index=EDGES, x=torch.zeros(11, 2))).num_nodes == 11

    def test_batch(self):
        data = [Data(edge_index=EDGES, num_nodes=7), Data(edge_index=EDGES, num_nodes=5)]
        assert from_pyg(Batch.from_data_list(data)) == batch([Graph(EDGES, 7), Graph(EDGES, 5)])

    def test_edge_index(self):
        assert from_pyg(Data(edge_index=EdgeIndex(EDGES), num_nodes=7)) == Graph(EDGES, 7)

    @pytest.mark.parametrize("layout", [torch.sparse_csr, torch.sparse_coo])
    def test_adj_t(self, layout):
        edges = EDGES[:, :4]
        data = ToSparseTensor(layout=layout)(Data(edge_index=edges, num_nodes=7))
        assert "edge_index" not in data
        graph = from_pyg(data)
        assert graph.num_nodes == 7
        assert torch.equal(dense(graph), dense(Graph(edges, 7)))

    def test_torch_sparse_package_is_refused(self):
        with pytest.raises(TypeError, match=r"adj_t must be a torch.sparse tensor, got str.*ToSparseTensor"):
            from_pyg(Data(adj_t="SparseTensor"))

    def test_no_edges(self):
        with pytest.raises(ValueError, match="data must have edge_index or adj_t"):
            from_pyg(Data(x=torch.zeros(3, 2)))

    @pytest.mark.parametrize("name", SQUARE)
    def test_round_trip(self, name):
        graph = zoo()[name]
        data = graph.to_pyg()
        assert data.num_nodes == graph.num_nodes
        assert data.validate()
        assert from_pyg(data) == graph

    def test_two_node_sets_do_not_fit(self):
        with pytest.raises(ValueError, match="4 destinations and 7 sources"):
            GRAPH.to_pyg()


class TestTorchSparse:
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_rows_are_destinations(self, layout):
        matrix = GRAPH.to_torch_sparse(layout)
        assert matrix.layout == layout
        assert matrix.to_dense().tolist() == [
            [1, 0, 0, 0, 0, 0, 0],
            [0, 0, 1, 0, 2, 0, 0],
            [0, 0, 0, 0, 0, 0, 0],
            [1, 0, 0, 0, 0, 0, 0],
        ]

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_edges_come_in_the_order_of_the_values(self, layout):
        matrix = GRAPH.to_torch_sparse(layout, edge_weight=torch.arange(1.0, 6.0))
        graph = from_torch_sparse(matrix)
        values = matrix._values() if layout == torch.sparse_coo else matrix.values()
        assert torch.equal(dense(graph, values), matrix.to_dense())
        assert (graph.num_dst, graph.num_src) == (4, 7)

    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("name", zoo())
    def test_round_trip(self, name, layout):
        graph = zoo()[name]
        matrix = graph.to_torch_sparse(layout)
        back = from_torch_sparse(matrix)
        assert torch.equal(dense(back) > 0, dense(graph) > 0)
        assert torch.equal(matrix.to_dense(), dense(graph))

    @given(graphs(bipartite=True))
    def test_coo_round_trip_is_exact(self, graph):
        assert from_torch_sparse(graph.to_torch_sparse(torch.sparse_coo)) == graph

    def test_stored_zeros_are_edges(self):
        assert from_torch_sparse(GRAPH.to_torch_sparse(edge_weight=torch.zeros(5))).num_edges == 4

    def test_weights_have_gradients(self):
        weight = torch.ones(5, requires_grad=True)
        (GRAPH.to_torch_sparse(torch.sparse_coo, weight) @ torch.arange(7.0).unsqueeze(1)).sum().backward()
        assert weight.grad.tolist() == [4, 0, 2, 0, 4]

    def test_bad_input(self):
        with pytest.raises(TypeError, match=r"matrix must be a torch.sparse tensor, got list"):
            from_torch_sparse([[1]])
        with pytest.raises(ValueError, match=r"layout sparse_coo, sparse_csr or sparse_csc.*got torch.strided"):
            from_torch_sparse(torch.eye(3))
        with pytest.raises(ValueError, match="and 3 sparse axes"):
            from_torch_sparse(torch.ones(2, 2, 2).to_sparse_coo())
        with pytest.raises(ValueError, match=r"layout must be .*, got torch\.strided"):
            GRAPH.to_torch_sparse(torch.strided)
        with pytest.raises(ValueError, match=r"edge_weight must have shape \[5\], got \[5, 1\]"):
            GRAPH.to_torch_sparse(edge_weight=torch.ones(5, 1))


class TestScipy:
    @pytest.mark.parametrize("form", ["coo", "csr", "csc", "lil", "dok"])
    @pytest.mark.parametrize("make", [scipy.sparse.coo_array, scipy.sparse.coo_matrix])
    def test_rows_are_destinations(self, form, make):
        matrix = make(numpy.array([[0, 2.5, 0], [3, 0, 0]])).asformat(form)
        graph = from_scipy(matrix)
        assert (graph.num_dst, graph.num_src) == (2, 3)
        assert set(map(tuple, graph.edge_index.t().tolist())) == {(1, 0), (0, 1)}

    def test_a_multigraph_and_weights(self):
        matrix = GRAPH.to_scipy(torch.arange(1.0, 6.0, requires_grad=True))
        assert matrix.shape == (4, 7)
        assert matrix.nnz == 5
        assert matrix.toarray()[1].tolist() == [0, 0, 3, 0, 6, 0, 0]

    @given(graphs(bipartite=True))
    def test_round_trip_is_exact(self, graph):
        assert from_scipy(graph.to_scipy()) == graph

    def test_bad_input(self):
        with pytest.raises(TypeError, match="matrix must be a SciPy sparse array, got ndarray"):
            from_scipy(numpy.eye(3))
        with pytest.raises(ValueError, match=r"edge_weight must have shape \[5\], got \[4\]"):
            GRAPH.to_scipy(torch.ones(4))


class TestNetworkx:
    def test_directed(self):
        graph = networkx.DiGraph([("b", "a"), ("a", "c"), ("c", "c")])
        graph.add_node("d")
        assert from_networkx(graph) == Graph(torch.tensor([[0, 1, 2], [1, 2, 2]]), 4)  # nodes b, a, c, d

    def test_undirected_edges_go_both_ways_and_loops_once(self):
        graph = from_networkx(networkx.Graph([(0, 1), (1, 1)]))
        assert sorted(map(tuple, graph.edge_index.t().tolist())) == [(0, 1), (1, 0), (1, 1)]

    def test_parallel_edges_stay(self):
        edges = [(0, 1), (0, 1), (1, 1), (1, 1)]
        both_ways = from_networkx(networkx.MultiGraph(edges)).edge_index
        assert sorted(map(tuple, both_ways.t().tolist())) == [(0, 1)] * 2 + [(1, 0)] * 2 + [(1, 1)] * 2
        one_way = from_networkx(networkx.MultiDiGraph(edges)).edge_index
        assert sorted(map(tuple, one_way.t().tolist())) == edges

    def test_karate_club_as_pyg_reads_it(self):
        club = networkx.karate_club_graph()
        graph = from_networkx(club)
        assert repr(graph) == "Graph(num_nodes=34, num_edges=156)"
        assert torch.equal(graph.edge_index, pyg_from_networkx(club).edge_index)

    def test_empty(self):
        assert from_networkx(networkx.Graph()) == zoo()["empty"]

    @pytest.mark.parametrize("name", SQUARE)
    def test_round_trip(self, name):
        graph = zoo()[name]
        converted = graph.to_networkx()
        assert converted.is_multigraph() == (name == "duplicate_edges" or name == "unsorted")
        assert list(converted) == list(range(graph.num_nodes))
        assert torch.equal(dense(from_networkx(converted)), dense(graph))

    def test_bad_input(self):
        with pytest.raises(TypeError, match="graph must be a NetworkX graph, got dict"):
            from_networkx({0: [1]})
        with pytest.raises(ValueError, match="4 destinations and 7 sources"):
            GRAPH.to_networkx()


@pytest.mark.filterwarnings("ignore:Sparse")
def test_matrices_of_features():
    matrix = torch.sparse_coo_tensor(torch.tensor([[0, 1], [2, 0]]), torch.ones(2, 5), (2, 3, 5))
    assert from_torch_sparse(matrix).edge_index.tolist() == [[2, 0], [0, 1]]
