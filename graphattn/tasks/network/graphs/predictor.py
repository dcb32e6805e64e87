"""From many graphs, some of them with a label, to a label for each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from graphattn.tasks.network.base import Learning, Predictor, num_outputs
from graphattn.tasks.network.choices import choose_metric, choose_split
from graphattn.tasks.network.config import NodeModelConfig
from graphattn.tasks.network.evidence import Evidence, gather
from graphattn.tasks.network.features import NodeFeatures
from graphattn.tasks.network.fit_rivals import fit_rivals
from graphattn.tasks.network.graphs.evidence import METHODS, graph_evidence
from graphattn.tasks.network.graphs.read import ManyGraphs, read_graphs
from graphattn.tasks.network.labels_table import labels_table
from graphattn.tasks.network.node_inputs import GraphInputs, NodeInputs
from graphattn.tasks.network.splits import SHARES

if TYPE_CHECKING:
    import pandas as pd


class GraphPredictor(Predictor):
    """Give each of many graphs a class, several labels or a number; see `Predictor` for what it keeps.

    The nodes of all graphs stand in one table with a column `graph_id`, the edges in another. The label of a graph
    stands with its nodes, or in a table of graphs.

    Example:
        >>> from graphattn.tasks.network import GraphPredictor
        >>> clubs = GraphPredictor().fit("nodes.csv", "edges.csv", graphs="graphs.csv", target="kind")  # doctest: +SKIP
        >>> clubs.predict()  # doctest: +SKIP
    """

    unit = "graphs"

    def fit(
        self,
        data: Any,
        edges: Any = None,
        *,
        target: str | None = None,
        graphs: Any = None,
        graph_column: str | None = None,
        preset: str = "search",
        config: NodeModelConfig | None = None,
        budget: str | float = "10m",
        trials: int = 200,
        seed: int = 0,
        shares: Sequence[float] = SHARES,
        structural: bool | None = True,
        metric: str | None = None,
        coverage: float = 0.9,
        device: str = "cpu",
        directory: str | Path | None = None,
        resume: bool = False,
        progress: Callable[[str], object] | None = None,
        **reading: Any,
    ) -> Any:
        """Learn the labels of graphs; arguments that are not named here are those of `NodeClassifier.fit`.

        Args:
            data: nodes, a table with a column that says which graph each is of.
            edges: a table of edges.
            target: the column of the labels.
            graphs: a table with a row for each graph, and its label; None: the label stands with the nodes.
            graph_column: the column that says which graph; told by its name when None.
            preset, config, budget, trials, seed, structural, metric, coverage, device, directory, resume, progress: as
                there.
            shares: of training, validation and test part of the graphs.
            **reading: options of `read_network`.

        Raises:
            InputError: the data cannot be used, or a setting is out of range; the message is a sentence for the user.
        """
        how = Learning(preset, config, budget, trials, seed, coverage, device, directory, resume, progress)
        many = data if isinstance(data, ManyGraphs) else read_graphs(
            data, edges, target=target, graphs=graphs, graph_column=graph_column, **reading
        )  # fmt: skip
        self.network, self.items = many.network, many.items
        self.reading = reading | {"graph_column": graph_column}
        self.metric = choose_metric(self.items.task, metric)
        self.split = choose_split(self.items, "random", 0, shares, seed)
        self.features = NodeFeatures.fit(self.network, structural=structural)
        inputs, evidence = self._seen(many, first=True)
        train, valid, _ = (part.numpy() for part in self.split)
        rivals = fit_rivals(
            evidence, self.items.y.numpy(), train, valid, task=self.items.task, num_outputs=num_outputs(self.items),
            seed=seed, names=METHODS,
        )  # fmt: skip
        self._learn(inputs, rivals, how)
        outputs = [net.logits for net in self.networks]
        self._conclude(self._all_predictions(evidence, self._known(self.items), outputs), evidence, how)
        return self

    def predict(self, data: Any = None, edges: Any = None, *, graphs: Any = None, **reading: Any) -> pd.DataFrame:
        """Return a row for each graph with a label, as `NodeClassifier.predict` does for nodes.

        Args:
            data: nodes of new graphs, as in `fit`; the graphs of the training when None.
            edges: as in `fit`.
            graphs: a table with a row for each graph, whose rows and columns come back.
            **reading: options of `read_network`; those of `fit` otherwise.

        Warns:
            UserWarning: rows were left out.
        """
        if data is None:
            return labels_table(self.items, self.predictions, self.conformal, self.distance)
        own = ManyGraphs(self.network, np.empty(0, dtype=np.int64), self.items)
        many = read_graphs(data, edges, target=None, graphs=graphs, like=own, **(self.reading | reading))
        if many.network.rejects:
            first = many.network.rejects[0].reason
            warnings.warn(f"{len(many.network.rejects)} rows were left out, the first because: {first}", stacklevel=2)
        inputs, evidence = self._seen(many)
        outputs = [net(inputs) for net in self.networks]
        members = self._all_predictions(evidence, self._known(many.items), outputs)
        predicted = self.answer(self.items.task, members)
        return labels_table(many.items, predicted, self.conformal, self.familiarity.distance(evidence))

    def _seen(self, many: ManyGraphs, *, first: bool = False) -> tuple[GraphInputs, Evidence]:
        """What the networks and what the rivals see of graphs."""
        nodes = NodeInputs.of(many.network, self.features)
        around = gather(nodes, self.features.positions(many.network), components=None if first else self.components)
        self.components = around.components
        count = len(many.items.ids)
        sizes = np.bincount(many.graph_of, minlength=count)
        inputs = GraphInputs(nodes, torch.from_numpy(many.graph_of), torch.from_numpy(sizes))
        return inputs, graph_evidence(around, many.graph_of, count)
