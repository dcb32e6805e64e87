"""Whom a node listened to: attention followed through the layers, and a test by deletion that says what it is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphattn.graph import Graph
from graphattn.tasks.common.formatting import fixed
from graphattn.tasks.network.calibration import apply_temperature
from graphattn.tasks.network.node_inputs import NodeInputs
from graphattn.tasks.network.training import FittedNetwork, to_probabilities

Array = NDArray[np.float64]

_DRAWS = 20


@dataclass(frozen=True)
class Flow:
    """Attention that reaches one node, followed back through all layers.

    Attributes:
        edge_index: `[2, E]`, the edges along which any comes, self-loops left out; row 1 listens to row 0.
        edges: `[E]`, the share that passes along each, summed over the layers.
        nodes: `[N]`, the share that starts at each node's features; they add up to 1.
    """

    edge_index: NDArray[np.int64]
    edges: Array
    nodes: Array


@dataclass(frozen=True)
class Deletion:
    """What becomes of a prediction when edges are taken away.

    Attributes:
        count: edges taken away, the two directions of one counted once.
        top: how far the prediction moves without the most attended ones: the largest change of a probability; of a
            regression, the distance between the two values.
        random: the same without as many others drawn at random from all edges that can reach the node, one number for
            each draw.
    """

    count: int
    top: float
    random: tuple[float, ...]

    @property
    def share(self) -> float:
        """The share of the random draws that move the prediction less than the most attended edges do."""
        return float(np.mean([self.top > each for each in self.random])) if self.random else float("nan")


@dataclass(frozen=True)
class Explanation:
    """Why one node was given its label, as far as attention tells.

    Attributes:
        node: the user's id.
        place: its row.
        predicted: the label, or the number.
        confidence: the probability of the label; None for a regression.
        actual: the label that was given; None where there was none.
        flow: see `Flow`.
        neighbors: ids and shares of the nodes it listened to most, itself among them, the largest first.
        deletion: see `Deletion`; None where no edge can reach the node.
    """

    node: str
    place: int
    predicted: str
    confidence: float | None
    actual: str | None
    flow: Flow
    neighbors: tuple[tuple[str, float], ...]
    deletion: Deletion | None

    def sentence(self) -> str:
        """Say what the test by deletion found."""
        if self.deletion is None:
            return f"No edge reaches node {self.node}: it is labeled by its features alone."
        found = self.deletion
        edges = f"the {found.count} edges it attends to most" if found.count > 1 else "the edge it attends to most"
        others = "as many others" if found.count > 1 else "another"
        if not found.random:
            return f"Without {edges} its prediction moves by {fixed(found.top)}; there are no others to compare with."
        mean = float(np.mean(found.random))
        verdict = (
            "attention points at edges that matter"
            if found.share >= 0.9
            else "attention tells little about what matters here"
            if found.share <= 0.6
            else "attention points at edges that matter somewhat more than others"
        )
        return (
            f"Without {edges} its prediction moves by {fixed(found.top)}, without {others} drawn at random by "
            f"{fixed(mean)} in the mean ({found.share:.0%} of {len(found.random)} draws move it less): {verdict}."
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values, without the flow along each edge."""
        return {
            "node": self.node,
            "predicted": self.predicted,
            "confidence": self.confidence,
            "actual": self.actual,
            "neighbors": [{"node": name, "share": share} for name, share in self.neighbors],
            "deletion": None if self.deletion is None else asdict(self.deletion) | {"share": self.deletion.share},
            "sentence": self.sentence(),
        }


def rollout(fitted: FittedNetwork, inputs: NodeInputs, place: int) -> Flow:
    """Follow the attention that reaches a node back to the features it started from.

        r⁰ = one at the node,   rˡ = rˡ⁻¹ A_l from the last layer to the first,   flow along an edge = rˡ⁻¹_i A_l[i, j]

    A_l is the mean of a layer's attention over its heads; where a layer adds the node's own features beside the
    attention (`sep`, `residual`), it is ½ A_l + ½ I.  Abnar and Zuidema 2020, arXiv:2005.00928, section 3.
    """
    net, size = fitted.network(), inputs.graph.num_dst
    own = fitted.config.sep or fitted.config.residual
    reached = np.zeros(size)
    reached[place] = 1.0
    passed = sp.csr_array((size, size))
    for edge_index, weights in reversed(net.attention_weights(*inputs)):
        source, target = edge_index.cpu().numpy()
        attention = sp.csr_array((weights.double().mean(1).cpu().numpy(), (target, source)), shape=(size, size))
        if own:
            attention = (attention + sp.eye_array(size)) / 2
        sums = np.asarray(attention.sum(1)).ravel()
        attention = sp.csr_array(sp.diags_array(1 / np.where(sums > 0, sums, 1)) @ attention)
        along = sp.csr_array(sp.diags_array(reached) @ attention)
        passed = passed + along
        reached = np.asarray(along.sum(0)).ravel()
    found = sp.coo_array(passed)
    kept = (found.coords[0] != found.coords[1]) & (found.data > 0)
    edges = np.stack([found.coords[1][kept], found.coords[0][kept]]).astype(np.int64)
    return Flow(edges, found.data[kept], reached)


def explain_node(
    fitted: FittedNetwork,
    inputs: NodeInputs,
    place: int,
    *,
    ids: tuple[str, ...],
    classes: tuple[str, ...] = (),
    actual: str | None = None,
    edges: int = 3,
    temperature: float = 1.0,
    most: int = 12,
    seed: int = 0,
) -> Explanation:
    """Explain what one network predicts for one node.

    Args:
        fitted: the network.
        inputs: features and edges of all nodes.
        place: the node's row.
        ids: the user's ids of all nodes.
        classes: the labels; none for a regression.
        actual: the node's label, where it has one.
        edges: how many the test by deletion takes away; fewer where fewer reach the node.
        temperature: that makes the network's probabilities honest.
        most: neighbors to name.
        seed: of the draws.
    """
    flow = rollout(fitted, inputs, place)

    def predict(seen: NodeInputs) -> Array:
        return apply_temperature(fitted.task, to_probabilities(fitted.task, fitted(seen)), temperature)[place]

    predicted = predict(inputs)
    order = np.argsort(-flow.nodes, kind="stable")[:most]
    if fitted.task == "regression":
        said, confidence = f"{predicted[0]:.4g}", None
    elif fitted.task == "multilabel":
        said = ";".join(name for name, chance in zip(classes, predicted, strict=True) if chance > 0.5)
        confidence = float(np.maximum(predicted, 1 - predicted).mean())
    else:
        said, confidence = classes[int(predicted.argmax())], float(predicted.max())
    return Explanation(
        ids[place],
        place,
        said,
        confidence,
        actual,
        flow,
        tuple((ids[other], float(flow.nodes[other])) for other in order if flow.nodes[other] > 0),
        _delete(predict, inputs, place, flow, fitted.config.depth, edges, seed),
    )


def _delete(
    predict: Callable[[NodeInputs], Array],
    inputs: NodeInputs,
    place: int,
    flow: Flow,
    depth: int,
    count: int,
    seed: int,
) -> Deletion | None:
    """Take away the most attended edges, and as many others drawn at random from those that can reach the node."""
    source, target = inputs.graph.edge_index.cpu().numpy()
    pairs = np.stack([np.minimum(source, target), np.maximum(source, target)])
    reaching = _reaching(source, target, place, depth)
    every = np.unique(pairs[:, reaching], axis=1)
    every = every[:, every[0] != every[1]]
    if every.shape[1] == 0:
        return None
    attended: dict[tuple[int, int], float] = {}
    for (one, other), share in zip(flow.edge_index.T.tolist(), flow.edges.tolist(), strict=True):
        pair = (min(one, other), max(one, other))
        attended[pair] = attended.get(pair, 0.0) + share
    count = min(count, every.shape[1])
    shares = np.array([attended.get((one, other), 0.0) for one, other in every.T.tolist()])
    order = np.argsort(-shares, kind="stable")
    size = inputs.graph.num_dst
    keys = pairs[0] * size + pairs[1]

    def moved(chosen: NDArray[np.int64]) -> float:
        kept = torch.from_numpy(~np.isin(keys, every[0, chosen] * size + every[1, chosen]))
        return float(np.abs(predict(_without(inputs, kept)) - before).max())

    before = predict(inputs)
    draw = np.random.default_rng(seed)
    rest = order[count:]
    draws = [draw.choice(rest, count, replace=False) for _ in range(_DRAWS)] if len(rest) >= count else []
    return Deletion(count, moved(order[:count]), tuple(moved(chosen) for chosen in draws))


def _without(inputs: NodeInputs, kept: Tensor) -> NodeInputs:
    """The same features, with some of the edges only."""
    edge_attr = None if inputs.edge_attr is None else inputs.edge_attr[kept]
    return NodeInputs(inputs.x, Graph(inputs.graph.edge_index[:, kept], inputs.graph.num_dst), edge_attr)


def _reaching(source: NDArray[np.int64], target: NDArray[np.int64], place: int, steps: int) -> NDArray[np.bool_]:
    """Whether a message along an edge can reach the node within so many layers."""
    inside = np.zeros(int(max(source.max(initial=0), target.max(initial=0), place)) + 1, dtype=bool)
    inside[place] = True
    reaching = np.zeros(len(source), dtype=bool)
    for _ in range(steps):
        reaching |= inside[target]
        inside[source[reaching]] = True
    return reaching
