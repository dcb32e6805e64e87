"""Many small graphs in two tables, for tests of what is made of them."""

import networkx as nx
import pandas as pd


def rings_and_stars(count=60):
    """Tables of nodes, edges and graphs: rings and stars of 4 to 8 nodes in turns; the last three without a label."""
    nodes, edges, graphs = [], [], []
    for number in range(count):
        ring = number % 2 == 0
        size = 4 + number % 5
        graph = nx.cycle_graph(size) if ring else nx.star_graph(size - 1)
        name = f"g{number}"
        nodes += [(f"{name}-{node}", name, float(node % 3)) for node in graph]
        edges += [(f"{name}-{one}", f"{name}-{other}") for one, other in graph.edges()]
        graphs.append((name, ("ring" if ring else "star") if number < count - 3 else ""))
    return (
        pd.DataFrame(nodes, columns=["id", "graph_id", "size"]),
        pd.DataFrame(edges, columns=["source", "target"]),
        pd.DataFrame(graphs, columns=["graph_id", "shape"]),
    )
