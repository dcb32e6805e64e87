"""Two tables: what comes out of them, whichever reader reads them."""

import gzip
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from graphattn.tasks.network import columns_table, read_network

NODES = """name,age,city,member,joined,role,note
ann,34,Oslo,yes,2020-01-02,boss,likes long walks
bob,28,Rome,no,2021-05-06,clerk,has a dog
cy, 51 ,Oslo,yes,2019-11-12,clerk,"reads, writes"
dee,,Rome,no,2022-02-02,,plays chess
eve,40,Oslo,no,2022-02-03,boss,sings well
"""
EDGES = """from,to,weight,kind,hours
ann,bob,2.5,friend,1
bob,cy,1.5,work,2
cy,ann,1.25,friend,3
dee,ann,0.5,work,4
"""


@pytest.fixture(params=["pyarrow", "pandas"])
def reader(request, monkeypatch):
    """With pyarrow, and without."""
    if request.param == "pyarrow":
        pytest.importorskip("pyarrow")
    else:
        monkeypatch.setitem(sys.modules, "pyarrow.csv", None)
    return request.param


@pytest.fixture
def club(write, reader):
    write(nodes_csv=NODES, edges_csv=EDGES)
    return read_network("nodes.csv", "edges.csv", target="role")


def test_ids_labels_and_edges_are_the_users(club):
    assert club.ids == ("ann", "bob", "cy", "dee", "eve")
    assert club.classes == ("boss", "clerk") and club.y.tolist() == [0, 1, 1, -1, 0]
    assert club.task == "multiclass" and club.target == "role" and not club.directed
    assert club.edge_index.tolist() == [[0, 1, 2, 3], [1, 2, 0, 0]]
    assert club.edge_weight.tolist() == [2.5, 1.5, 1.25, 0.5]
    assert club.edge_types == ("friend", "work") and club.edge_type.tolist() == [0, 1, 0, 1]
    assert club.edge_attr.tolist() == [[1.0], [2.0], [3.0], [4.0]] and club.edge_attr_names == ("hours",)
    assert club.rejects == ()


def test_rows_stay_as_they_were(club):
    assert list(club.nodes.columns) == ["name", "age", "city", "member", "joined", "role", "note"]
    assert club.nodes["age"].tolist() == ["34", "28", " 51 ", "", "40"]
    assert club.nodes["note"][2] == "reads, writes"


def test_columns_are_told_by_their_values(club):
    roles = {(column.table, column.name): column.role for column in club.columns}
    assert roles == {
        ("nodes", "name"): "id", ("nodes", "age"): "numeric", ("nodes", "city"): "category",
        ("nodes", "member"): "boolean", ("nodes", "joined"): "time", ("nodes", "role"): "target",
        ("nodes", "note"): "text (ignored)", ("edges", "from"): "source", ("edges", "to"): "destination",
        ("edges", "weight"): "weight", ("edges", "kind"): "type", ("edges", "hours"): "numeric",
    }  # fmt: skip
    assert club.feature_names == ("age", "member")
    expected = torch.tensor([[34.0, 1], [28, 0], [51, 1], [torch.nan, 0], [40, 0]])
    torch.testing.assert_close(club.x, expected, equal_nan=True)
    lines = columns_table(club.columns).splitlines()
    assert lines[0].split() == ["table", "column", "taken", "for", "because"]
    assert lines[1].split("  ")[0] == "nodes" and "its values are what the edges name" in lines[1]


def test_notes_name_the_place(club):
    assert "nodes.csv, line 5, column 'age': 1 cell is empty, the first here; the model is told which." in club.notes
    assert any(note.startswith("nodes.csv, line 6: 1 node has no edge") and "'eve'" in note for note in club.notes)


def test_guesses_can_be_overridden(write, reader):
    write(nodes_csv=NODES, edges_csv=EDGES)
    network = read_network(
        "nodes.csv", "edges.csv", target="age", categorical=["member"], ignore=["city", "hours"], numeric=["kind"],
        source_column="to", destination_column="from", directed=True, task="regression", weight_column="hours",
    )  # fmt: skip
    roles = {(column.table, column.name): (column.role, column.why) for column in network.columns}
    assert roles["nodes", "member"] == ("category", "given") and roles["nodes", "city"] == ("ignored", "given")
    assert network.edge_index.tolist() == [[1, 2, 0, 0], [0, 1, 2, 3]] and network.directed
    assert network.edge_weight.tolist() == [1, 2, 3, 4]
    assert network.task == "regression" and network.y[:3].tolist() == [34, 28, 51] and network.y[3].isnan()


@pytest.mark.parametrize("separator", ["\t", ";", "|"])
def test_other_separators_packed_and_windows_line_ends(folder, reader, separator):
    nodes, edges = (text.replace('"reads, writes"', "reads").replace(",", separator) for text in (NODES, EDGES))
    (folder / "nodes.tsv.gz").write_bytes(gzip.compress(nodes.replace("\n", "\r\n").encode()))
    (folder / "edges.csv").write_bytes(b"\xef\xbb\xbf" + edges.encode())
    network = read_network("nodes.tsv.gz", "edges.csv", target="role")
    assert network.ids == ("ann", "bob", "cy", "dee", "eve") and network.edge_weight[0] == 2.5
    assert network.y.tolist() == [0, 1, 1, -1, 0]


def test_parquet_is_read_as_csv_is(folder, reader):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"id": [7, 8, 9], "x": [0.5, None, 2], "role": ["a", "b", None]}).to_parquet("nodes.parquet")
    pd.DataFrame({"source": [7, 9], "target": [8, 7]}).to_parquet("edges.parquet")
    network = read_network("nodes.parquet", "edges.parquet", target="role")
    assert network.ids == ("7", "8", "9") and network.y.tolist() == [0, 1, -1]
    assert network.edge_index.tolist() == [[0, 2], [1, 0]]
    assert network.nodes["id"].tolist() == [7, 8, 9]


def test_the_node_ids_are_what_the_edges_name(write, reader):
    write(
        nodes_csv="id,new_id,mature\n905,2,True\n631,0,False\n777,1,True\n",
        edges_csv="from,to\n0,1\n2,1\n",
    )
    network = read_network("nodes.csv", "edges.csv", target="mature")
    assert network.ids == ("2", "0", "1") and network.edge_index.tolist() == [[1, 0], [2, 2]]
    assert [c.role for c in network.columns[:3]] == ["text (ignored)", "id", "target"]


def test_the_ends_are_told_by_values_where_no_name_does(write, reader):
    write(nodes_csv="page,kind\nx,a\ny,b\nz,a\n", edges_csv="n,one,other\n1,x,y\n2,z,x\n")
    network = read_network("nodes.csv", "edges.csv", target="kind")
    assert network.edge_index.tolist() == [[0, 2], [1, 0]]


def test_big_ids_and_leading_zeros_stay(write, reader):
    big = "123456789012345678901234567890"
    write(nodes_csv=f"id,role\n007,a\n7,b\n{big},a\n", edges_csv=f"source,target\n007,7\n{big},007\n")
    network = read_network("nodes.csv", "edges.csv", target="role")
    assert network.ids == ("007", "7", big) and network.edge_index.tolist() == [[0, 2], [1, 0]]


def test_data_frames(folder):
    nodes = pd.DataFrame({"age": [1.5, 2.5, np.nan], "role": pd.Categorical(["a", None, "b"])}, index=["x", "y", "z"])
    edges = pd.DataFrame({"source": ["x", "y"], "target": ["z", "x"], "weight": [1, 2]})
    network = read_network(nodes, edges, target="role")
    assert network.ids == ("x", "y", "z") and network.y.tolist() == [0, -1, 1]
    assert network.edge_weight.tolist() == [1.0, 2.0] and list(nodes.columns) == ["age", "role"]
    assert network.nodes["index"].tolist() == ["x", "y", "z"]


def test_ids_of_frames_are_compared_as_text():
    nodes = pd.DataFrame({"id": [7, 8, 9], "role": ["a", "b", "a"]})
    edges = pd.DataFrame({"source": ["7", " 8"], "target": [9.0, 7.0]})
    network = read_network(nodes, edges, target="role")
    assert network.edge_index.tolist() == [[0, 1], [2, 0]] and network.rejects == ()


def test_words_become_sparse_columns(write, reader):
    rows = "".join(
        f'{node},"[{node % 7}, {node % 5 + 70}, {node % 3 + 80}, {node % 70}]",{"ab"[node % 2]}\n' for node in range(80)
    )
    write(nodes_csv="id,words,role\n" + rows, edges_csv="source,target\n0,1\n1,2\n")
    network = read_network("nodes.csv", "edges.csv", target="role")
    assert network.x.layout == torch.sparse_csr and network.x.shape[1] == len(network.feature_names) == 78
    row = network.x.to_dense()[10]
    assert {name for name, value in zip(network.feature_names, row, strict=True) if value} == {
        "words=3", "words=70", "words=81", "words=10",
    }  # fmt: skip


def test_wide_zero_one_columns_become_sparse(write, reader):
    header = ",".join(f"w{at}" for at in range(80))
    rows = "".join(f"{node},{','.join(str(int(at == node or at == 79 - node)) for at in range(80))},{'ab'[node % 2]}\n"
                   for node in range(80))  # fmt: skip
    write(nodes_csv=f"id,{header},role\n{rows}", edges_csv="source,target\n0,1\n1,2\n")
    network = read_network("nodes.csv", "edges.csv", target="role")
    assert network.x.layout == torch.sparse_csr and network.x.values().numel() == 160


def test_no_features_at_all(write, reader):
    write(nodes_csv="id,role\n1,a\n2,b\n3,a\n", edges_csv="source,target\n1,2\n")
    assert read_network("nodes.csv", "edges.csv", target="role").x.shape == (3, 0)


def test_without_a_target_nothing_is_labeled(write, reader):
    write(nodes_csv="id,age\n1,5\n2,6\n", edges_csv="source,target\n1,2\n")
    network = read_network("nodes.csv", "edges.csv")
    assert network.target == "" and network.classes == () and network.y.tolist() == [-1, -1]


def test_edges_alone_make_the_nodes(write, reader):
    write(edges_csv="source,target\nb,a\na,c\n")
    network = read_network(edges="edges.csv")
    assert network.ids == ("b", "a", "c") and network.edge_index.tolist() == [[0, 1], [1, 2]]


def test_a_split_column(write, reader):
    write(nodes_csv="id,split,role\n1,train,a\n2,val,b\n3,Test,a\n4,,b\n", edges_csv="source,target\n1,2\n3,4\n")
    network = read_network("nodes.csv", "edges.csv", target="role")
    assert {part: mask.tolist() for part, mask in network.masks.items()} == {
        "train": [True, False, False, False], "valid": [False, True, False, False], "test": [False, False, True, False],
    }  # fmt: skip


def test_several_labels(write, reader):
    write(nodes_csv="id,tags\n1,red;blue\n2,blue\n3,\n4,red\n", edges_csv="source,target\n1,2\n")
    network = read_network("nodes.csv", "edges.csv", target="tags")
    assert network.task == "multilabel" and network.classes == ("blue", "red")
    expected = torch.tensor([[1.0, 1], [1, 0], [torch.nan, torch.nan], [0, 1]])
    torch.testing.assert_close(network.y, expected, equal_nan=True)


@pytest.mark.parametrize(
    ("labels", "task", "classes"),
    [
        (["3", "1", "2"] * 4, "multiclass", ("1", "2", "3")),
        (["10", "9", "1.0", "1"] * 3, "multiclass", ("1.0", "9", "10")),
        ([f"{value / 7:.3f}" for value in range(12)], "regression", ()),
        ([str(value) for value in range(40)], "regression", ()),
        (["0,5", "1,75", "2,5", "3,5"] * 3, "regression", ()),
        (["yes", "no", "?"] * 4, "multiclass", ("no", "yes")),
    ],
)
def test_the_task_is_told_by_the_labels(labels, task, classes):
    nodes = pd.DataFrame({"id": range(len(labels)), "y": labels})
    network = read_network(nodes, pd.DataFrame({"source": [0, 1], "target": [1, 2]}), target="y")
    assert network.task == task and network.classes == classes


def test_duplicates_loops_and_their_weights(write, reader):
    edges = "source,target,weight\n1,2,1.5\n2,3,0.5\n2,1,2.5\n1,2,1.0\n3,3,1.0\n"
    write(nodes_csv="id,role\n1,a\n2,b\n3,a\n", edges_csv=edges)
    network = read_network("nodes.csv", "edges.csv", target="role")
    assert network.edge_index.tolist() == [[0, 1, 2], [1, 2, 2]]
    assert network.edge_weight.tolist() == [2.5, 0.5, 1.0]  # (1.5 + 1.0 and 2.5) / 2
    assert (
        "edges.csv, line 4: the edge of '2' and '1' stands on line 2 already; 2 edges repeat an earlier one, in either "
        "direction, their weights summed, of two directions averaged."
    ) in network.notes
    assert any("1 edge joins a node to itself, such as '3'; kept." in note for note in network.notes)
    directed = read_network("nodes.csv", "edges.csv", target="role", directed=True)
    assert directed.edge_index.tolist() == [[0, 1, 1, 2], [1, 2, 0, 2]]
    assert directed.edge_weight.tolist() == [2.5, 0.5, 2.5, 1.0]


def test_edges_of_two_types_are_two_edges(write, reader):
    write(nodes_csv="id,role\n1,a\n2,b\n", edges_csv="source,target,type\n1,2,x\n2,1,y\n1,2,x\n")
    network = read_network("nodes.csv", "edges.csv", target="role")
    assert network.edge_type.tolist() == [0, 1] and network.edge_index.shape == (2, 2)


def test_progress_is_told(write, reader):
    write(nodes_csv=NODES, edges_csv=EDGES)
    seen = []
    read_network("nodes.csv", "edges.csv", target="role", progress=lambda done, size: seen.append((done, size)))
    assert (len(NODES), len(NODES)) in seen and seen[-1] == (len(EDGES), len(EDGES))


@pytest.mark.parametrize(
    ("ids", "late"),
    [
        (["1", "2", "3"], "007"),
        (["1", "2", "3"], "+7"),
        (["1", "2", "3"], "3000000000"),
        (["1", "2", "3"], "12345678901234567890"),
        (["1", "2", "3"], "x9"),
        (["3000000000", "2", "3"], "5"),
        (["-1", "-20", "0"], "-0"),
    ],
)
def test_whole_numbers_stay_text_wherever_one_is_written_otherwise(write, reader, ids, late):
    many = f"{ids[0]},{ids[1]}\n{ids[1]},{ids[2]}\n" * 20_000  # the reader looks ahead by less than that
    others = [f"{node},{'ab'[node % 2]}" for node in range(100, 150)]
    rows = "\n".join([f"{ids[0]},a", f"{ids[1]},b", f"{ids[2]},a", f"{late},b", "7,a", *others])
    write(nodes_csv=f"id,role\n{rows}\n", edges_csv=f"source,target\n{many}{late},{ids[0]}\n")
    network = read_network("nodes.csv", "edges.csv", target="role")
    assert network.ids[:5] == (*ids, late, "7") and not network.rejects
    assert network.edge_index.tolist() == [[0, 1, 3], [1, 2, 0]]


def test_a_word_among_decimals_is_found(write, reader):
    many = "1,2,0.5\n" * 20_000
    write(nodes_csv="id,role\n1,a\n2,b\n", edges_csv=f"source,target,weight\n{many}2,1,heavy\n")
    network = read_network("nodes.csv", "edges.csv", target="role")
    assert [(reject.line, reject.reason) for reject in network.rejects] == [(20_002, "the weight 'heavy' is no number")]
    assert network.edge_weight.tolist() == [10_000.0]


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("typed", [False, True])
def test_repeated_edges_against_a_loop(directed, typed):
    random = np.random.default_rng(3)
    nodes = pd.DataFrame({"id": range(9), "role": list("abababaab")})
    edges = pd.DataFrame(random.integers(0, 9, (60, 2)), columns=["source", "target"])
    edges["weight"] = random.integers(1, 9, 60).astype(float)
    if typed:
        edges["type"] = random.choice(["x", "y"], 60)
    network = read_network(nodes, edges, target="role", directed=directed)
    expected: dict = {}
    for row in edges.itertuples():
        ends = (row.source, row.target) if directed else tuple(sorted((row.source, row.target)))
        ways = expected.setdefault((*ends, row.type if typed else ""), {})
        way = (row.source, row.target)
        ways["first"] = ways.get("first", way)
        ways[way] = ways.get(way, 0) + row.weight
    found = list(zip(*network.edge_index.tolist(), network.edge_weight.tolist(), strict=True))
    wanted = []
    for ways in expected.values():
        first = ways.pop("first")
        wanted.append((*first, sum(ways.values()) / len(ways)))
    assert found == wanted
