"""From graphs and tables to labels in one line, and the same model on a network that has grown."""

import networkx as nx
import pandas as pd
import pytest
import torch
from torch_geometric.data import Data

from graphattn.tasks.network import NodeClassifier
from graphattn.tasks.network.config import NodeModelConfig

SHORT = NodeModelConfig(epochs=40, hidden_dim=16, validate_every=10)


def test_a_networkx_graph_and_one_that_has_grown():
    graph = nx.karate_club_graph()
    fit = NodeClassifier().fit(graph, target="club", config=SHORT, rivals=("label_propagation",))
    before = fit.predict()
    assert list(before["club_predicted"].unique()) == ["Mr. Hi", "Officer"]
    graph.add_edges_from([("new", 0), ("new", 1), ("new", 2)], weight=3)
    grown = fit.predict(graph)
    assert len(grown) == 35
    assert list(grown["id"])[:34] == list(before["id"])
    assert grown["club_predicted"].iloc[-1] == "Mr. Hi"
    assert (grown["club_predicted"][:34] == before["club_predicted"]).mean() > 0.8


def test_rows_left_out_are_said():
    graph = nx.karate_club_graph()
    fit = NodeClassifier().fit(graph, target="club", config=SHORT, rivals=("majority",))
    graph.add_edge("new", 0)  # without the weight that others have
    with pytest.warns(UserWarning, match="1 rows were left out"):
        fit.predict(graph)


def test_tables_and_other_tables():
    graph = nx.karate_club_graph()
    nodes = pd.DataFrame(
        {"who": [f"m{node:03}" for node in graph], "club": [graph.nodes[node]["club"] for node in graph]}
    )
    nodes["age"] = [20 + 7 * node % 31 for node in graph]
    edges = pd.DataFrame([(f"m{a:03}", f"m{b:03}") for a, b in graph.edges()], columns=["from", "to"])
    fit = NodeClassifier().fit(nodes, edges, target="club", config=SHORT, rivals=("majority",))
    table = fit.predict()
    assert list(table["who"]) == list(nodes["who"])
    assert list(table.columns[:3]) == ["who", "club", "age"]
    few = nodes["who"][:20]
    part = fit.predict(nodes[:20].drop(columns="club"), edges[edges["from"].isin(few) & edges["to"].isin(few)])
    assert list(part["who"]) == list(few)
    assert set(part["club_predicted"]) <= {"Mr. Hi", "Officer"}


def test_pyg_data():
    graph = nx.karate_club_graph()
    edges = torch.tensor(list(graph.to_directed().edges())).T
    y = torch.tensor([graph.nodes[node]["club"] == "Officer" for node in graph]).long()
    data = Data(edge_index=edges, y=y, num_nodes=34)
    fit = NodeClassifier().fit(data, config=SHORT, rivals=("majority",), target="y")
    assert len(fit.predict()) == 34
