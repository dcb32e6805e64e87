"""Classes, several labels or numbers for the nodes of a network."""

from __future__ import annotations

from typing import Any

from graphattn.tasks.network.predictor import NodePredictor


class NodeClassifier(NodePredictor):
    """Give each node of a network one of several classes, or several labels, and say how sure that is.

    Trains networks with attention beside simpler methods, calibrates each on the validation nodes, and answers with the
    best of them or with their blend.

    Example:
        >>> import networkx as nx
        >>> from graphattn.tasks.network import NodeClassifier
        >>> club = NodeClassifier().fit(nx.karate_club_graph(), target="club", preset="fast")  # doctest: +SKIP
        >>> club.predict()[["club", "club_predicted", "club_confidence"]]  # doctest: +SKIP
    """

    _tasks = ("multiclass", "multilabel")


class NodeRegressor(NodePredictor):
    """Give each node of a network a number, and an interval in which the true one lies with a chosen probability."""

    _tasks = ("regression",)

    def fit(self, data: Any, edges: Any = None, **options: Any) -> Any:
        """Learn numbers; see `NodeClassifier.fit`, whose options these are."""
        return super().fit(data, edges, **({"task": "regression"} | options))
