"""Attention written out in loops over nodes and edges, in float64: what the reference path is checked against."""

import math

import torch


def attend(q, k, v, graph, score, normalize, *, bias=None, edge_key=None, edge_value=None):
    """One head of attention. `score(q_i, k_j, b)` gives a number, `normalize(list)` weights; edges as the caller's."""
    out = torch.zeros(graph.num_dst, v.shape[-1], dtype=torch.float64)
    weights = torch.zeros(graph.num_edges, dtype=torch.float64)
    src, dst = graph.edge_index.tolist()
    for i in range(graph.num_dst):
        edges = [e for e in range(graph.num_edges) if dst[e] == i]
        scores = []
        for e in edges:
            key = None if k is None else k[src[e]] + (0 if edge_key is None else edge_key[e])
            scores.append(float(score(None if q is None else q[i], key, 0.0 if bias is None else bias[e])))
        for e, weight in zip(edges, normalize(scores), strict=True):
            weights[e] = weight
            out[i] += weight * (v[src[e]] + (0 if edge_value is None else edge_value[e]))
    return out, weights


def softmax(scores):
    top = max(scores, default=0.0)
    powers = [math.exp(s - top) for s in scores]
    return [p / sum(powers) for p in powers]


def linear(scores):
    return [s / sum(scores) for s in scores]


def sparsemax(scores):
    """By bisection on the threshold."""
    return _bisect(scores, lambda s, t: max(s - t, 0.0))


def entmax15(scores):
    """By bisection on the threshold."""
    return _bisect([s / 2 for s in scores], lambda s, t: max(s - t, 0.0) ** 2)


def _bisect(scores, weight):
    if not scores:
        return []
    low, high = max(scores) - 1, max(scores)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(weight(s, middle) for s in scores) > 1 else (low, middle)
    return [weight(s, low) for s in scores]


NORMALIZERS = {
    "softmax": softmax,
    "relu": lambda scores: [max(s, 0.0) for s in scores],
    "sigmoid": lambda scores: [1 / (1 + math.exp(-s)) for s in scores],
    "identity": lambda scores: scores,
    "linear": linear,
    "sparsemax": sparsemax,
    "entmax15": entmax15,
    "argmax": lambda scores: [float(e == scores.index(max(scores))) for e in range(len(scores))],
}
