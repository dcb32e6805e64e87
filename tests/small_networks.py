"""Small networks in memory, for tests of what is made of them."""

import networkx as nx
import numpy as np
import pandas as pd
import torch

from graphattn.tasks.network.network import ColumnRole, Network


def network(edges, y, *, x=None, task="multiclass", classes=None, ids=None, **fields):
    """A `Network` of which only what matters is said."""
    y = torch.as_tensor(y)
    size = len(y)
    ids = tuple(f"n{number}" for number in range(size)) if ids is None else tuple(ids)
    x = torch.zeros(size, 0) if x is None else x
    if classes is None:
        count = y.shape[1] if y.ndim == 2 else int(y.max()) + 1
        classes = () if task == "regression" else tuple("abcdefgh"[:count])
    columns = {"id": list(ids)}
    if task == "multiclass":
        columns["role"] = [classes[label] if label >= 0 else "" for label in y.tolist()]
    given = {
        "nodes": pd.DataFrame(columns),
        "ids": ids,
        "edge_index": torch.as_tensor(edges, dtype=torch.int64).reshape(2, -1),
        "edge_weight": None,
        "edge_type": None,
        "edge_types": (),
        "edge_attr": None,
        "directed": False,
        "x": x,
        "feature_names": tuple(f"f{number}" for number in range(x.shape[1])),
        "target": "role",
        "task": task,
        "classes": tuple(classes),
        "y": y,
        "masks": None,
        "columns": (ColumnRole("id", "nodes", "id", ""), ColumnRole("role", "nodes", "target", "")),
        "notes": (),
        "rejects": (),
    }
    return Network(**(given | fields))


def karate():
    """Zachary's karate club, with all labels and no features."""
    graph = nx.karate_club_graph()
    clubs = sorted({graph.nodes[node]["club"] for node in graph})
    y = [clubs.index(graph.nodes[node]["club"]) for node in graph]
    return network(np.array(graph.edges()).T, y, classes=clubs, ids=map(str, graph), target="club")


def blocks(size=90, classes=3, *, seed=0, features=5):
    """A network of communities, whose nodes have features that tell them apart with errors."""
    draw = np.random.default_rng(seed)
    y = np.arange(size) % classes
    chance = np.where(y[:, None] == y[None], 12 / size, 1.5 / size)
    edges = np.argwhere(np.triu(draw.random((size, size)) < chance, 1)).T
    x = draw.standard_normal((size, features)) + 1.2 * np.eye(classes, features)[y]
    return network(edges, y, x=torch.from_numpy(x).float())
