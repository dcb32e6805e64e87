from graphattn.graph import Graph, batch, bipartite, complete


def test_where_each_graph_begins():
    graph = bipartite([2, 0, 3], [5, 7, 1])
    assert (graph.num_graphs, graph.num_dst, graph.num_src) == (3, 5, 13)
    assert graph.dst_ptr.tolist() == [0, 2, 2, 5]
    assert graph.src_ptr.tolist() == [0, 5, 12, 13]
    assert graph.batch.tolist() == [0, 0, 2, 2, 2]


def test_no_graphs():
    graph = complete([])
    assert (graph.num_graphs, graph.num_nodes, graph.num_edges) == (0, 0, 0)
    assert graph.dst_ptr.tolist() == [0]
    assert graph.batch.tolist() == []
    assert graph.csr.indptr.tolist() == [0]


def test_batches_and_single_graphs_alike():
    graph = batch([complete([2, 3]), Graph(complete(2).edge_index, 4)])
    assert graph.dst_sizes == graph.src_sizes == (2, 3, 4)
    assert graph.batch.tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 2]
