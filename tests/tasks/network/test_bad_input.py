"""What is wrong with the input is said in a sentence with file, line and column; what is left out has a reason."""

import csv
import gzip
import sys
from pathlib import Path

import pandas as pd
import pytest

from graphattn.tasks.common.errors import InputError, TableError
from graphattn.tasks.network import read_network, write_rejects

NODES = "id,age,role\n1,34,boss\n2,28,clerk\n3,51,clerk\n4,40,boss\n"
EDGES = "source,target,weight\n1,2,1.5\n2,3,2.5\n3,1,0.5\n"


@pytest.fixture(params=["pyarrow", "pandas"], autouse=True)
def reader(request, monkeypatch):
    """With pyarrow, and without."""
    if request.param == "pyarrow":
        pytest.importorskip("pyarrow")
    else:
        monkeypatch.setitem(sys.modules, "pyarrow.csv", None)


def refused(nodes=NODES, edges=EDGES, **options):
    options.setdefault("target", "role")
    for name, content in (("nodes.csv", nodes), ("edges.csv", edges)):
        if content is not None:
            Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read_network("nodes.csv", "edges.csv", **options)
    return str(caught.value)


def read(nodes=NODES, edges=EDGES, **options):
    Path("nodes.csv").write_text(nodes)
    Path("edges.csv").write_text(edges)
    return read_network("nodes.csv", "edges.csv", target=options.pop("target", "role"), **options)


def said(reject):
    return f"{reject.file}, line {reject.line}, column {reject.column!r}: {reject.reason}"


def test_edges_to_unknown_nodes(folder):
    network = read(edges=EDGES + "1,9,1.0\n,2,1.0\n")
    assert [said(reject) for reject in network.rejects] == [
        "edges.csv, line 6, column 'source': the id of the node is missing",
        "edges.csv, line 5, column 'target': no node of nodes.csv has the id '9'",
    ]
    assert network.edge_index.shape == (2, 3)


def test_missing_and_repeated_ids(folder):
    network = read(NODES + ",50,clerk\n2,60,boss\n 3 ,70,boss\n")
    assert [said(reject) for reject in network.rejects] == [
        "nodes.csv, line 6, column 'id': the id is missing",
        "nodes.csv, line 7, column 'id': the id '2' stands on line 3 already",
        "nodes.csv, line 8, column 'id': the id ' 3 ' is '3' of line 4 but for spaces",
    ]
    assert network.ids == ("1", "2", "3", "4") and len(network.nodes) == 4 and network.y.tolist() == [0, 1, 1, 0]


def test_ids_that_differ_by_type():
    nodes = pd.DataFrame({"id": pd.Series([7, "7", 8], dtype=object), "role": ["a", "b", "b"]})
    network = read_network(nodes, pd.DataFrame({"source": [7], "target": [8]}), target="role")
    reject = network.rejects[0]
    assert said(reject) == (
        "the data frame of nodes, line 1, column 'id': the id '7' is 7 of row 0 but for its type; ids are "
        "compared as text"
    )


def test_ids_that_differ_by_spaces_zeros_or_case(folder):
    network = read(
        NODES.replace("1,34", "1,34").replace("4,40", "Ann B,40"), EDGES + "007,1,1.0\n01,2,1.0\nann b,2,1.0\n"
    )
    assert [reject.reason for reject in network.rejects] == [
        "no node of nodes.csv has the id '007'",
        "no node of nodes.csv has the id '01'; '1' differs in spaces or leading zeros only",
        "no node of nodes.csv has the id 'ann b'; 'Ann B' differs in upper and lower case only",
    ]


def test_whole_numbers_that_a_program_wrote_as_decimals(folder):
    network = read(edges="source,target\n1.0,2.0\n2.0,3.0\n")
    assert network.edge_index.tolist() == [[0, 1], [1, 2]] and not network.rejects
    assert (
        "edges.csv, line 2, column 'source': '1.0' is taken for the node '1', and so on for 1 other ids."
        in network.notes
    )


def test_the_id_column_repeats(folder):
    message = refused("id,role\na,x\na,y\na,x\nb,y\na,x\n", "source,target\na,b\n")
    assert message == (
        "nodes.csv, line 3, column 'id': 'a' stands on line 2 already, as most of its values do, so this column "
        "holds no "
        "ids; name the one that does with --id-column."
    )


def test_mixed_types_and_missing_features(folder):
    network = read(NODES.replace("28", "unknown").replace("51", "nan"))
    assert network.x[:, 0].isnan().tolist() == [False, True, True, False]
    assert (
        "nodes.csv, line 3, column 'age': 'unknown' is no number to learn from; it is taken as missing."
        in network.notes
    )
    assert "nodes.csv, line 4, column 'age': 1 cell is empty, the first here; the model is told which." in network.notes


def test_infinite_features_are_no_numbers(folder):
    network = read(NODES.replace("28", "inf").replace("51", "1e300") + "5,20,boss\n")
    assert network.x[:, 0].isnan().tolist() == [False, True, True, False, False]
    assert any("'inf' is no number to learn from; it is taken as missing, as 1 more cells." in n for n in network.notes)


def test_a_label_seen_once(folder):
    network = read(NODES + "5,20,guest\n")
    assert any(
        note.startswith("nodes.csv, line 6, column 'role': the label 'guest' is seen once;") for note in network.notes
    )


def test_labels_that_differ_in_case(folder):
    network = read(NODES + "5,20,Boss\n")
    assert network.classes == ("Boss", "boss", "clerk")
    assert any("'Boss' and 'boss' differ in upper and lower case only" in note for note in network.notes)


def test_one_class(folder):
    message = refused(NODES.replace("clerk", "boss"))
    assert message == "nodes.csv, column 'role': all 4 labels are 'boss' (one class), so there is nothing to learn."


def test_one_number(folder):
    message = refused("id,y\n1,2.5\n2,2.5\n3,2.5\n", target="y", task="regression")
    assert message == "nodes.csv, column 'y': all 3 numbers are 2.5, so there is nothing to learn."


def test_no_labeled_node(folder):
    message = refused("id,role\n1,\n2,NA\n3,?\n")
    assert message == "nodes.csv, column 'role': no node has a label, so there is nothing to learn."


def test_a_number_that_is_none(folder):
    rows = "".join(f"{node},{node / 7:.3f}\n" for node in range(1, 9))
    network = read(f"id,y\n{rows}9,many\n", target="y")
    assert said(network.rejects[0]) == (
        "nodes.csv, line 10, column 'y': 'many' is not a number that can be used; the node is kept without"
    )
    assert len(network) == 9 and network.y[8].isnan()


def test_numbers_that_may_be_read_in_two_ways(folder):
    message = refused('id,y\n1,"1,234"\n2,"5,678"\n3,"9,876"\n', target="y", task="regression")
    assert message.startswith("nodes.csv, line 2, column 'y': '1,234' may have a decimal comma")


def test_no_edge(folder):
    assert refused(edges="source,target\n") == "edges.csv, line 1: there is a header but no row below it."
    message = refused(edges="source,target\na,b\nc,d\n")
    assert message == (
        "edges.csv, line 2: none of the 2 edges joins two nodes of nodes.csv; the first reason, at column "
        "'source': no node "
        "of nodes.csv has the id 'a'."
    )
    with pytest.raises(TableError, match=r"^the data frame of edges: there is no edge\.$"):
        read_network(pd.DataFrame({"id": [1], "y": [2]}), pd.DataFrame({"source": [], "target": []}))
    with pytest.raises(TableError, match="A network needs edges"):
        read_network("nodes.csv")


def test_a_feature_that_is_the_target(folder):
    rows = "".join(f"{node},{node % 2},{'ab'[node % 2]},{node * node}\n" for node in range(30))
    network = read(f"id,code,role,other\n{rows}", "source,target\n0,1\n1,2\n")
    assert [note for note in network.notes if "tells the target" in note] == [
        "nodes.csv, column 'code': it tells the target exactly; if it is not known where labels are missing, "
        "leave it out "
        'with --ignore "code".'
    ]
    numbers = "".join(f"{node},{node / 7},{node / 7 * 3 + 1}\n" for node in range(30))
    network = read(f"id,y,z\n{numbers}", "source,target\n0,1\n1,2\n", target="y")
    assert any("column 'z': it tells the target exactly" in note for note in network.notes)
    message = refused(f"id,code,role,other\n{rows}", "source,target\n0,1\n", categorical=["role"])
    assert message == "nodes.csv, line 1: column 'role' cannot be both the target and a feature."


def test_swapped_files(folder):
    message = refused(EDGES, NODES)
    assert message == (
        "nodes.csv, line 1: the columns 'source' and 'target' are those of edges, and edges.csv has the column "
        "'role': the "
        "two files seem to be swapped; the nodes come first."
    )
    assert "seem to be swapped" in refused(EDGES, NODES, target=None)


@pytest.mark.parametrize(
    ("nodes", "edges", "message"),
    [
        (
            NODES.partition("\n")[2].replace("1,34", "1,28"),
            EDGES,
            "nodes.csv, line 1: '1', '28', 'boss' look like a row, not like names of columns; put a header line "
            "above it, "
            "such as id,role for nodes or source,target for edges.",
        ),
        (
            NODES,
            EDGES.partition("\n")[2],
            "edges.csv, line 1: '1', '2', '1.5' look like a row, not like names of columns; put a header line "
            "above it, "
            "such as id,role for nodes or source,target for edges.",
        ),
    ],
)
def test_a_header_is_missing(folder, nodes, edges, message):
    assert refused(nodes, edges) == message


def test_a_column_that_is_not_there(folder):
    assert refused(target="rolle") == (
        "nodes.csv, line 1: no column 'rolle' for the target (did you mean 'role'?); the columns are 'id', 'age', "
        "'role'."
    )
    assert "no column 'w' for the weights; the columns are" in refused(weight_column="w")
    assert refused(NODES.replace("age", "id")).startswith(
        "nodes.csv, line 1: column 'id' appears 2 times (fields 1 and 2); rename all but one."
    )
    assert refused(edges="source\n1\n").startswith("edges.csv, line 1: one column only")
    assert "which columns are the two ends of an edge?" in refused(edges="x,y,z\na,b,c\n")


def test_files_that_are_cut(folder):
    network = read(edges=EDGES + "4,1")
    assert said(network.rejects[0]) == (
        "edges.csv, line 5, column 'weight': the file ends in the middle of this row; it seems to be cut"
    )
    assert network.edge_index.shape == (2, 3)
    whole = gzip.compress((EDGES * 50).encode())
    assert refused(edges=whole[: len(whole) // 2]).startswith("edges.csv cannot be read: Compressed file ended before")
    assert refused(edges=EDGES + '"4,1\n2,3,1\n').startswith("edges.csv, line 5: a quote opened here is never closed")


def test_rows_longer_than_the_header(folder):
    network = read(NODES + "5,3,boss,more\n6,20,boss\n", EDGES + "1,2,3,4\n1,4,1.0\n")
    assert [said(reject) for reject in network.rejects] == [
        "nodes.csv, line 6, column 'role': 4 values where the header has 3; a value that holds the separator must "
        "stand in "
        "quotes",
        "edges.csv, line 5, column 'weight': 4 values where the header has 3; a value that holds the separator "
        "must stand "
        "in quotes",
    ]
    assert network.ids == ("1", "2", "3", "4", "6") and network.edge_index.tolist()[1] == [1, 2, 0, 3]


def test_lines_are_counted_over_blank_lines_and_quotes(folder):
    network = read('id,age,role\n1,34,"bo\nss"\n\n2,28,clerk\n3,51,clerk\n3,1,clerk\n', "source,target\n\n1,2\n\n1,9\n")
    assert [(reject.file, reject.line) for reject in network.rejects] == [("nodes.csv", 7), ("edges.csv", 5)]


def test_another_encoding(folder):
    message = refused(NODES.replace("boss", "chef é").encode("cp1252"))
    assert message.startswith("nodes.csv, line 2, column 'role': byte 0xE9 is not valid UTF-8; if")
    assert "--encoding cp1252" in message
    Path("nodes.csv").write_bytes(NODES.replace("boss", "chef é").encode("cp1252"))
    assert read_network("nodes.csv", "edges.csv", target="role", encoding="cp1252").classes == ("chef é", "clerk")
    assert "UTF-16" in refused(NODES.encode("utf-16"), EDGES.encode("utf-16"))
    assert read_network("nodes.csv", "edges.csv", target="role", encoding="utf-16").classes == ("boss", "clerk")
    assert refused(encoding="klingon").startswith("Unknown encoding 'klingon'")


def test_files_that_are_none(folder):
    with pytest.raises(TableError, match=r"^There is no file nodes\.csv\.$"):
        read_network("nodes.csv", "edges.csv", target="role")
    (folder / "nodes.csv").mkdir()
    with pytest.raises(TableError, match=r"nodes\.csv is a directory"):
        read_network("nodes.csv", "edges.csv", target="role")
    (folder / "nodes.csv").rmdir()
    assert refused(nodes="") == "nodes.csv, line 1: the file is empty; a header line and rows below it are expected."
    assert "an Excel workbook" in refused(nodes=b"PK\x03\x04" + bytes(100))


def test_weights_and_types_that_are_none(folder):
    network = read(edges="source,target,weight,type\n1,2,heavy,x\n2,3,,x\n3,1,1.0,\n3,4,inf,x\n1,4,2.0,y\n")
    assert [said(reject) for reject in network.rejects] == [
        "edges.csv, line 2, column 'weight': the weight 'heavy' is no number",
        "edges.csv, line 3, column 'weight': the weight is missing",
        "edges.csv, line 5, column 'weight': the weight 'inf' is no number",
        "edges.csv, line 4, column 'type': the type of the edge is missing",
    ]
    assert network.edge_index.tolist() == [[0], [3]] and network.edge_types == ("y",)


def test_a_split_that_names_no_part(folder):
    network = read("id,split,role\n1,train,a\n2,hold,b\n3,train,b\n", "source,target\n1,2\n", split_column="split")
    assert said(network.rejects[0]) == (
        "nodes.csv, line 3, column 'split': 'hold' is none of train, valid, test; the node is in no part"
    )
    message = refused("id,split,role\n1,test,a\n2,test,b\n", "source,target\n1,2\n")
    assert message == "nodes.csv, column 'split': no row says train."


def test_too_many_rejects_stop(folder):
    edges = EDGES + "1,8,1.0\n1,9,1.0\n"
    message = refused(edges=edges, max_rejects=1)
    assert message == (
        "edges.csv, line 6, column 'target': no node of nodes.csv has the id '9'; that is one more than the 1 "
        "that may be "
        "left out (--max-rejects)."
    )
    assert len(read(edges=edges, max_rejects=2).rejects) == 2


def test_rejects_are_written(folder):
    network = read(edges=EDGES + "1,9,1.0\n")
    write_rejects(folder / "rejects.csv", network.rejects)
    with Path("rejects.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["file", "line", "column", "value", "reason"],
            ["edges.csv", "5", "target", "9", "no node of nodes.csv has the id '9'"],
        ]


def test_what_is_no_table():
    with pytest.raises(TypeError, match="nodes must be a path or a pandas DataFrame, got int"):
        read_network(3, 4)
    with pytest.raises(TypeError, match=r"graph must be a path, .* got int"):
        read_network(graph=3)
    with pytest.raises(TableError, match="not both"):
        read_network(edges="e.csv", graph="g.json")
