"""Every format gives the same network, and says where it is broken."""

import gzip
import json
import re

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from graphattn.tasks.common.errors import TableError
from graphattn.tasks.network import read_network

IDS = ("n0", "n1", "n2", "n3")


def graph(directed=False):
    made = nx.DiGraph() if directed else nx.Graph()
    for node, age, club in (("n0", 34, "chess"), ("n1", 28, "go"), ("n2", 51, "chess"), ("n3", 40, "")):
        made.add_node(node, age=age, club=club)
    made.add_edge("n0", "n1", weight=1.5)
    made.add_edge("n1", "n2", weight=2.5)
    made.add_edge("n2", "n0", weight=0.5)
    return made


def same(network, *, directed=False):
    assert network.ids == IDS and network.directed == directed
    assert network.classes == ("chess", "go") and network.y.tolist() == [0, 1, 0, -1]
    ends = {frozenset((IDS[a], IDS[b])) for a, b in network.edge_index.t().tolist()}
    assert ends == {frozenset(("n0", "n1")), frozenset(("n1", "n2")), frozenset(("n0", "n2"))}
    assert sorted(network.edge_weight.tolist()) == [0.5, 1.5, 2.5]
    assert network.x[:, network.feature_names.index("age")].tolist() == [34, 28, 51, 40]
    if directed:
        assert {(IDS[a], IDS[b]) for a, b in network.edge_index.t().tolist()} == set(graph(True).edges)


def broken(path, message, content=None):
    if content is not None:
        path.write_text(content)
    with pytest.raises(TableError) as caught:
        read_network(graph=path.name, target="club")
    assert re.fullmatch(message, str(caught.value)), caught.value


@pytest.mark.parametrize("directed", [False, True])
def test_networkx(directed):
    same(read_network(graph=graph(directed), target="club"), directed=directed)


def test_networkx_with_ids_of_two_types_and_lists():
    made = nx.Graph()
    made.add_node(7, club="a", id="own")
    made.add_node("7", club="b")
    made.add_node((1, 2), club="b")
    made.add_edge(7, (1, 2))
    network = read_network(graph=made, target="club")
    assert network.ids == ("7", "[1, 2]") and "but for its type" in network.rejects[0].reason
    assert list(network.nodes.columns) == ["id", "club", "id (attribute)"]


def test_karate_club():
    network = read_network(graph=nx.karate_club_graph(), target="club")
    assert len(network) == 34 and network.edge_index.shape == (2, 78) and network.classes == ("Mr. Hi", "Officer")
    assert network.edge_weight is not None and network.x.shape == (34, 0)


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_graphml(folder, directed, packed):
    name = "club.graphml.gz" if packed else "club.graphml"
    nx.write_graphml(graph(directed), name)
    if packed:
        assert (folder / name).read_bytes()[:2] == b"\x1f\x8b"
    same(read_network(graph=name, target="club"), directed=directed)


GRAPHML = """<?xml version="1.0"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:y="http://www.yworks.com/xml/graphml">
<key id="d0" for="node" attr.name="club"/><key id="d1" for="node" yfiles.type="nodegraphics"/>
<key id="d2" for="edge" attr.name="weight"><default>1.5</default></key>
<graph edgedefault="undirected">
<node id="a"><data key="d0">chess</data><data key="d1"><y:ShapeNode><y:Fill/></y:ShapeNode></data></node>
<node id="b"><data key="d0">go</data>
<graph edgedefault="undirected"><node id="c"><data key="d0">go</data></node></graph></node>
<edge source="a" target="b"/>
<edge source="a" target="c" directed="true"><data key="d2">2</data></edge>
<edge source="a" target="x"/>
</graph></graphml>
"""


def test_graphml_with_nested_attributes(folder):
    (folder / "g.graphml").write_text(GRAPHML)
    network = read_network(graph="g.graphml", target="club")
    assert network.ids == ("a", "b", "c") and network.edge_weight.tolist() == [1.5, 2.0]
    assert (
        "g.graphml, line 6: the attribute 'd1' holds further elements (<ShapeNode>) and is left out." in network.notes
    )
    assert any(n.startswith("g.graphml, line 8: <graph> is a graph inside a node;") for n in network.notes)
    assert any(n.startswith("g.graphml, line 10: 1 edges say directed='true' unlike the graph") for n in network.notes)
    reject = network.rejects[0]
    assert (reject.file, reject.line, reject.column, reject.value) == ("g.graphml", 11, "target", "x")


def test_graphml_that_is_broken(folder):
    path = folder / "g.graphml"
    cut = GRAPHML[: GRAPHML.index('<edge source="a" target="c"') + 12]
    broken(path, r"g\.graphml, line 10 inside <graph>: this is not XML \(.*\); the file ends in the middle\.", cut)
    broken(path, r"g\.graphml, line 9: <edge> has no 'target'\.", GRAPHML.replace(' target="b"', ""))
    broken(
        path,
        r"g\.graphml, line 7: no <key> is called 'd9', as this <data> says\.",
        GRAPHML.replace('"d0">go', '"d9">go', 1),
    )
    broken(path, r"g\.graphml, line 1: <graphml> is expected, got <gexf>\.", "<gexf></gexf>")
    broken(path, r"g\.graphml, line 1: there is no <graph> in it\.", "<graphml></graphml>")
    broken(path, r"g\.graphml: there is no edge\.", "<graphml><graph><node id='a'/></graph></graphml>")
    bomb = '<!DOCTYPE g [<!ENTITY a "aaaa">]><graphml>&a;</graphml>'
    broken(path, r"g\.graphml, line 1: the file defines an entity, which no graph needs\.", bomb)


@pytest.mark.parametrize("directed", [False, True])
def test_gexf(folder, directed):
    nx.write_gexf(graph(directed), "club.gexf")
    same(read_network(graph="club.gexf", target="club"), directed=directed)


def test_gexf_that_is_broken(folder):
    nx.write_gexf(graph(), "g.gexf")
    text = (folder / "g.gexf").read_text()
    broken(folder / "g.gexf", r"g\.gexf, line \d+ inside <\w+>: this is not XML .*", text[: len(text) // 2])
    broken(folder / "g.gexf", r"g\.gexf, line \d+: <edge> has no 'source'\.", text.replace('source="n0"', "", 1))


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("links", ["links", "edges"])
def test_node_link_json(folder, directed, links):
    (folder / "club.json").write_text(json.dumps(nx.node_link_data(graph(directed), edges=links)))
    same(read_network(graph="club.json", target="club"), directed=directed)


def test_node_link_json_that_is_broken(folder):
    path = folder / "g.json"
    data = nx.node_link_data(graph(), edges="links")
    data["nodes"][1]["place"] = {"city": "Oslo"}
    path.write_text(json.dumps(data, indent=1))
    network = read_network(graph="g.json", target="club")
    assert "g.json (nodes), row 1: the attribute 'place' holds further objects and is left out." in network.notes
    text = json.dumps(data)
    broken(
        path, r"g\.json, line 1, character \d+: this is not JSON \(.*\)(; the file ends in the middle)?\.", text[:-40]
    )
    broken(path, r"g\.json: lists of 'nodes' and of 'links' are expected.*", "[]")
    broken(path, r"g\.json \(nodes\), row 0: an object with 'id' is expected, got 3\.", '{"nodes": [3], "links": []}')
    broken(path, r"g\.json \(nodes\), row 0: 'id' must be an id, got list\.", '{"nodes": [{"id": [1]}], "links": []}')


@pytest.mark.parametrize(
    "content",
    [
        "n0 n1 1.5\nn1 n2 2.5\n\nn2 n0 0.5\n",
        "# a remark\nn0\tn1\t1.5\nn1\tn2\t2.5\nn2\tn0\t0.5\n",
        "n0,n1,1.5\nn1,n2,2.5\nn2,n0,0.5\n",
        "n0 n1 {'weight': 1.5}\nn1 n2 {'weight': 2.5}\nn2 n0 {'weight': 0.5}\n",
    ],
)
def test_edge_list_with_a_table_of_nodes(folder, content):
    (folder / "club.edgelist").write_text(content)
    (folder / "nodes.csv").write_text("id,age,club\nn0,34,chess\nn1,28,go\nn2,51,chess\nn3,40,\n")
    same(read_network("nodes.csv", graph="club.edgelist", target="club"))
    same(read_network("nodes.csv", "club.edgelist", target="club"))
    alone = read_network(graph="club.edgelist")
    assert alone.ids == ("n0", "n1", "n2") and alone.target == ""


def test_edge_list_that_is_broken(folder):
    path = folder / "g.edgelist"
    broken(path, r"g\.edgelist, line 3: 1 value, where two ids and perhaps a weight are expected; .*", "a b\nb c\nc\n")
    broken(path, r"g\.edgelist, line 2: 4 values, where two ids .*", "a b\nb c d e\n")
    broken(path, r"g\.edgelist, line 2: there is no weight, but other lines have one; .*", "a b 1\nb c\n")
    broken(path, r"g\.edgelist: there is no edge\.", "# nothing\n")
    broken(path, r"g\.edgelist: an edge list has no labels, so there is no column 'club'; .*", "a b\n")
    (folder / "nodes.csv").write_text("id,club\na,x\nb,y\n")
    path.write_text("a b\n\nb q\n")
    assert read_network("nodes.csv", "g.edgelist", target="club").rejects[0].line == 3


def test_npz(folder):
    x = np.eye(5, dtype=np.float32)
    edges = np.array([[0, 1], [1, 2], [3, 4]])
    masks = {f"{part}_masks": np.random.default_rng(0).random((3, 5)) < 0.5 for part in ("train", "val", "test")}
    np.savez("a.npz", node_features=x, node_labels=np.array([0, 1, 0, 1, -1]), edges=edges, **masks)
    network = read_network(graph="a.npz")
    assert network.target == "node_labels" and network.classes == ("0", "1") and network.y.tolist() == [0, 1, 0, 1, -1]
    assert network.edge_index.tolist() == edges.T.tolist() and network.ids == ("0", "1", "2", "3", "4")
    assert torch.equal(network.x, torch.eye(5)) and network.feature_names == ("x0", "x1", "x2", "x3", "x4")
    assert torch.equal(network.masks["valid"], torch.from_numpy(masks["val_masks"].T.copy()))


def test_npz_with_sparse_arrays(folder):
    np.savez(
        "a.npz", adj_indptr=[0, 1, 2, 2], adj_indices=[1, 2], attr_data=[1.0, 2.0], attr_indices=[5, 90],
        attr_indptr=[0, 1, 1, 2], attr_shape=[3, 100], labels=[0, 1, 1],
    )  # fmt: skip
    network = read_network(graph="a.npz")
    assert network.x.layout == torch.sparse_csr and network.x.to_dense()[2, 90] == 2
    assert network.edge_index.tolist() == [[0, 1], [1, 2]]


def test_npz_that_is_broken(folder):
    path = folder / "a.npz"
    np.savez(path, edges=np.array([[0, 1]]), labels=np.array([{}], dtype=object))
    broken(path, r"a\.npz is no whole npz file of plain arrays: Object arrays cannot be loaded.*")
    np.savez(path, x=np.eye(3))
    broken(path, r"a\.npz: there is no array of edges, such as 'edge_index'; it has x\.")
    np.savez(path, x=np.eye(3), y=np.zeros(2), edges=np.array([[0, 1]]))
    broken(path, r"a\.npz: 'y' has 2 rows where the features have 3\.")
    path.write_bytes(path.read_bytes()[:100])
    broken(path, r"a\.npz is no whole npz file of plain arrays: .*")


def test_pyg(folder):
    both = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    data = Data(x=torch.eye(3), edge_index=both, y=torch.tensor([0, 1, -1]), edge_attr=torch.tensor([1.0, 1, 2, 2]),
                train_mask=torch.tensor([True, False, False]), val_mask=torch.tensor([False, True, False]),
                test_mask=torch.tensor([False, False, True]))  # fmt: skip
    network = read_network(graph=data)
    assert not network.directed and network.edge_index.tolist() == [[0, 1], [1, 2]]
    assert network.edge_attr.tolist() == [[1.0], [2.0]]
    assert network.target == "y" and network.y.tolist() == [0, 1, -1]
    assert network.masks["train"].tolist() == [True, False, False]
    sparse = Data(x=torch.eye(100).to_sparse(), edge_index=both[:, :1], y=torch.arange(100) % 2)
    network = read_network(graph=sparse)
    assert (
        network.directed and network.x.layout == torch.sparse_csr and torch.equal(network.x.to_dense(), torch.eye(100))
    )
    several = Data(x=torch.eye(3), edge_index=both, y=torch.tensor([[1, 0], [0, 1], [1, 1]]))
    network = read_network(graph=several)
    assert network.task == "multilabel" and network.y.tolist() == [[1, 0], [0, 1], [1, 1]]
    numbers = read_network(graph=Data(x=torch.eye(3), edge_index=both, y=torch.tensor([0.5, 1.5, 2.5])))
    assert numbers.task == "regression" and numbers.y.tolist() == [0.5, 1.5, 2.5]
    with pytest.raises(TableError, match="the Data has no edge_index"):
        read_network(graph=Data(x=torch.eye(3)))


def test_named_data_sets(benchmark_data, monkeypatch):
    if not (benchmark_data / "planetoid").is_dir():
        pytest.skip("no planetoid among the benchmark data")
    monkeypatch.setenv("GRAPHATTN_DATA", str(benchmark_data))
    cora = read_network(graph="cora")
    assert cora.target == "topic" and len(cora.classes) == 7 and cora.x.layout == torch.sparse_csr
    assert cora.edge_index.shape == (2, 5278) and not cora.directed and cora.masks["train"].shape == (2708, 1)
    known = {label: int((cora.y == at).sum()) for at, label in enumerate(cora.classes)}
    assert known["Neural_Networks"] == 818 and known["Rule_Learning"] == 180
    assert read_network(graph="cora", split_column="geom_gcn").masks["train"].shape == (2708, 10)
    german = read_network(graph="twitch-de", target="mature")
    assert german.classes == ("False", "True") and german.masks is None
    with pytest.raises(TableError, match="the target of this data set is 'topic', not 'label'"):
        read_network(graph="cora", target="label")


def test_what_is_no_graph(folder):
    broken(folder / "corra", r"'corra' is no file, and no data set has that name; there are cora, citeseer, .*")
    broken(folder / "g.gml", r"g\.gml: what kind of graph is it\? .*", "graph []")
    (folder / "n.csv").write_text("id\n1\n")
    nx.write_graphml(graph(), "g.graphml")
    with pytest.raises(TableError, match=r"g\.graphml has nodes of its own"):
        read_network("n.csv", graph="g.graphml")
    with gzip.open("g.graphml.gz", "wb") as file:
        file.write(b"<graphml>" * 1000)
    whole = (folder / "g.graphml.gz").read_bytes()
    (folder / "g.graphml.gz").write_bytes(whole[:-20])
    broken(folder / "g.graphml.gz", r"g\.graphml\.gz cannot be read: .*")
