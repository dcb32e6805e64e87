"""From a network to the probability that two nodes are linked."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from graphattn.tasks.network.base import Learning, Predictor
from graphattn.tasks.network.choices import choose_metric
from graphattn.tasks.network.config import NodeModelConfig
from graphattn.tasks.network.evidence import Evidence, gather
from graphattn.tasks.network.features import NodeFeatures
from graphattn.tasks.network.items import items_of
from graphattn.tasks.network.links.evidence import fit_pair_rivals, pair_evidence
from graphattn.tasks.network.links.likely import likely_pairs
from graphattn.tasks.network.links.ranking import MOST_RANKED, candidates, ranks
from graphattn.tasks.network.links.split import code_of, linked_codes, split_links
from graphattn.tasks.network.links.table import read_pairs
from graphattn.tasks.network.network import Network
from graphattn.tasks.network.node_inputs import NodeInputs, PairInputs
from graphattn.tasks.network.reading import as_network, read_alike

if TYPE_CHECKING:
    import pandas as pd

Pairs = NDArray[np.int64]

LINKED = "linked"


class LinkPredictor(Predictor):
    """Say how likely it is that two nodes are linked; see `Predictor` for what it keeps.

    Some edges are taken out of the network, in both directions, and the networks and their rivals learn to tell them
    from as many pairs that are not linked. Other edges that were taken out choose the method and set its confidence,
    and a third part measures. So probabilities are those among pairs of which half are linked.

    Example:
        >>> import networkx as nx
        >>> from graphattn.tasks.network import LinkPredictor
        >>> club = LinkPredictor().fit(nx.karate_club_graph(), preset="fast")  # doctest: +SKIP
        >>> club.predict([(0, 9), (16, 26)])  # doctest: +SKIP
    """

    unit = "pairs"

    def fit(
        self,
        data: Any,
        edges: Any = None,
        *,
        preset: str = "search",
        config: NodeModelConfig | None = None,
        budget: str | float = "10m",
        trials: int = 200,
        seed: int = 0,
        structural: bool | None = None,
        metric: str | None = "roc_auc",
        coverage: float = 0.9,
        device: str = "cpu",
        directory: str | Path | None = None,
        resume: bool = False,
        progress: Callable[[str], object] | None = None,
        **reading: Any,
    ) -> Any:
        """Learn which nodes are linked; arguments are those of `NodeClassifier.fit`, without labels and their split.

        Raises:
            InputError: the data cannot be used, or a setting is out of range; the message is a sentence for the user.
        """
        how = Learning(preset, config, budget, trials, seed, coverage, device, directory, resume, progress)
        self.network = network = as_network(data, edges, **reading)
        self.reading = {name: value for name, value in reading.items() if name != "graph"}
        self.metric = choose_metric("multiclass", metric)
        pairs, linked, self.split, seen = split_links(network, seed)
        self.items = _items(network, pairs, linked)
        self.features = NodeFeatures.fit(seen, structural=structural)
        nodes = NodeInputs.of(seen, self.features)
        around = gather(nodes, self.features.positions(seen))
        self.components = around.components
        inputs, evidence = self._seen(seen, nodes, around, pairs)
        rivals = fit_pair_rivals(evidence, self.items.y.numpy(), self.split, seed=seed)
        self._learn(inputs, rivals, how)
        known = self._known(self.items)
        predictions = self._all_predictions(evidence, known, [net.logits for net in self.networks])
        self._conclude(predictions, evidence, how)
        self.ranking = self._ranking(seen, nodes, around, pairs[linked & self.split.test.numpy()], seed)
        return self

    def predict(self, pairs: Any = None, data: Any = None, edges: Any = None, **reading: Any) -> pd.DataFrame:
        """Return the user's pairs in their order with `linked_predicted`, `linked_probability` and more.

        `linked_probability` is that among pairs of which half are linked; `linked_already` says that there is an edge;
        `linked_unlike_training` that the pair is unlike all those that were learned from. All edges of the network are
        looked at, which are more than in the training.

        Args:
            pairs: the path of a table or a data frame with two columns of ids, or a list of pairs. None: the likeliest
                of the pairs with neighbors in common that are not linked, 1000 at most, surest first.
            data: a new or grown network, as in `fit`; that of the training when None.
            edges: as in `fit`.
            **reading: options of `read_network`.

        Warns:
            UserWarning: rows were left out, as they name no two nodes.
        """
        network = self.network if data is None else read_alike(self.network, data, edges, self.reading | reading)
        nodes = NodeInputs.of(network, self.features)
        around = gather(nodes, self.features.positions(network), components=self.components)
        if pairs is None:
            chosen = likely_pairs(around.both)
            table = self._table(network, nodes, around, chosen, _frame(network, chosen))
            return table.sort_values(f"{LINKED}_probability", ascending=False, kind="stable")[:1000]
        frame, chosen, rejects = read_pairs(pairs, network)
        if rejects:
            warnings.warn(f"{len(rejects)} rows were left out, the first because: {rejects[0].reason}", stacklevel=2)
        return self._table(network, nodes, around, chosen, frame)

    def _table(
        self, network: Network, nodes: NodeInputs, around: Evidence, pairs: Pairs, frame: pd.DataFrame
    ) -> pd.DataFrame:
        import pandas as pd

        inputs, evidence = self._seen(network, nodes, around, pairs)
        said = self.answer("multiclass", self._members(inputs, evidence))[:, 1]
        there = np.isin(code_of(pairs, len(network.ids)), linked_codes(network))
        new = {
            f"{LINKED}_predicted": np.where(said > 0.5, "yes", "no"),
            f"{LINKED}_probability": said,
            f"{LINKED}_already": there,
            f"{LINKED}_unlike_training": self.familiarity.unlike(evidence),
        }
        return pd.concat([frame, pd.DataFrame(new, index=frame.index)], axis=1)

    def _seen(self, network: Network, nodes: NodeInputs, around: Evidence, pairs: Pairs) -> tuple[PairInputs, Evidence]:
        """What the networks and what the rivals see of pairs."""
        evidence = pair_evidence(around, self.features.positions(network), pairs)
        facts = torch.from_numpy(evidence.own).float()
        return PairInputs(nodes, torch.from_numpy(pairs), facts, self.network.directed), evidence

    def _members(self, inputs: PairInputs, evidence: Evidence) -> dict[str, NDArray[np.float64]]:
        known = np.full(len(inputs.pairs), -1)
        return self._all_predictions(evidence, known, [net(inputs) for net in self.networks])

    def _ranking(
        self, seen: Network, nodes: NodeInputs, around: Evidence, linked: Pairs, seed: int
    ) -> dict[str, dict[str, float]]:
        """Rank test pairs among pairs of the same node that are not linked in the whole network, by each method."""
        draw = np.random.default_rng(seed)
        asked = candidates(self.network, linked[:MOST_RANKED], draw)
        there = asked[..., 1] >= 0
        inputs, evidence = self._seen(seen, nodes, around, asked[there])
        members = self._members(inputs, evidence)
        members["answer"] = self.answer("multiclass", members)
        found = {}
        for name, said in members.items():
            scores = np.full(there.shape, np.nan)
            scores[there] = said[:, 1]
            found[name] = ranks(scores)
        return found


def _items(network: Network, pairs: Pairs, linked: NDArray[np.bool_]) -> Network:
    frame = _frame(network, pairs)
    frame[LINKED] = np.where(linked, "yes", "no")
    names = [f"{one} – {other}" for one, other in _ids(network, pairs)]
    y = torch.from_numpy(linked.astype(np.int64))
    return items_of(frame, names, target=LINKED, task="multiclass", classes=("no", "yes"), y=y)


def _frame(network: Network, pairs: Pairs) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(_ids(network, pairs), columns=["source", "target"], dtype=object)


def _ids(network: Network, pairs: Pairs) -> Sequence[tuple[str, str]]:
    return [(network.ids[one], network.ids[other]) for one, other in pairs.tolist()]
