"""Twelve scores from papers, written as a user would, and the same in plain PyTorch."""

import math

import torch

import graphattn as ga
from graphattn import scores

N, E, H, D = 19, 90, 2, 5


def draw(*shape, seed, positive=False):
    x = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (x.abs() + 0.1 if positive else x).requires_grad_()


def graph():
    edges = torch.randint(N - 2, (2, E), generator=torch.Generator().manual_seed(0))
    return ga.Graph(edges, num_nodes=N)


LENGTH, EDGE, GATE = draw(E, seed=1, positive=True), draw(E, H, seed=2), draw(E, H, seed=3)
TEMPERATURE, WEIGHT = draw(H, seed=4), draw(H, D, seed=5)
DEGREE = graph().in_degree.double() + 1
SLOPES = torch.tensor([0.5, 0.25], dtype=torch.float64)


def norm(x):
    return torch.nn.functional.normalize(x, dim=-1)


def soft_capped(pair):
    """Gemma 2, arXiv:2408.00118, section 2: 50 tanh(s / 50)."""
    return 50 * scores.tanh(pair.dot / 50)


def alibi(pair):
    """Press et al. 2022, arXiv:2108.12409: s − m_h |i − j|."""
    return pair.dot - pair.head["slope"] * abs(pair.src.index - pair.dst.index)


def gaussian(pair):
    """Tsai et al. 2019, arXiv:1908.11775, eq. 5: an RBF kernel of query and key, −|q − k|² / 2."""
    return -pair.distance2 / 2


def swin(pair):
    """Liu et al. 2022 (Swin V2), arXiv:2111.09883, eq. 2: cos(q, k) / τ + b, with 1 / τ = exp(min(t, ln 100))."""
    return pair.cosine * scores.exp(scores.minimum(pair.head["t"], math.log(100))) + pair.edge["bias"]


def gatv2(pair):
    """Brody et al. 2022, arXiv:2105.14491, eq. 7: ⟨a, leaky_relu(q + k)⟩."""
    return pair.reduce(lambda q, k: scores.leaky_relu(q + k, 0.2), "a")


def bahdanau(pair):
    """Bahdanau et al. 2015, arXiv:1409.0473, appendix A.1.2: ⟨a, tanh(q + k)⟩."""
    return pair.reduce(lambda q, k: scores.tanh(q + k), "a")


def cutoff(pair):
    """Behler's cosine cutoff as in SchNet, arXiv:1706.08566: s + log of ½ (cos(π r / r_c) + 1), none beyond r_c."""
    r = pair.edge["length"]
    inside = 0.5 * (scores.cos(math.pi * scores.minimum(r, 1.4) / 1.5) + 1)
    return pair.dot + scores.where(r < 1.4, scores.log(inside), -30)


def radial(pair):
    """SchNet's radial basis, eq. 5: s − γ (r − μ)²."""
    return pair.dot - 10 * (pair.edge["length"] - 0.8) ** 2


def l1(pair):
    """A Laplacian kernel (Rahimi & Recht 2007): −Σ |q − k|."""
    return -pair.reduce(lambda q, k: abs(q - k))


def fagcn(pair):
    """Bo et al. 2021 (FAGCN), arXiv:2101.00797, eq. 6: a gate tanh(s), which may be negative; normalize="identity"."""
    return scores.tanh(pair.dot)


def by_degree(pair):
    """A temperature by degree (as in Corso et al. 2020, arXiv:2004.05718, for sums): s log(1 + d_i)."""
    return pair.dot * scores.log(1 + pair.dst["degree"])


def gated_bias(pair):
    """A gated edge bias (EGT, Hussain et al. 2022, arXiv:2108.03348, eq. 3): clip(s, ±5) + b + log σ(g)."""
    return scores.clamp(pair.dot, -5, 5) + pair.edge["bias"] + scores.log(scores.sigmoid(pair.edge["gate"]))


def _dot(q, k):
    return (q * k).sum(-1) / D**0.5


PAPERS = {
    soft_capped: ({}, lambda q, k, i, j: 50 * torch.tanh(_dot(q, k) / 50)),
    alibi: ({"head": {"slope": SLOPES}}, lambda q, k, i, j: _dot(q, k) - SLOPES * (i - j).abs()[:, None]),
    gaussian: ({}, lambda q, k, i, j: -(q - k).square().sum(-1) / 2),
    swin: (
        {"head": {"t": TEMPERATURE}, "edge": {"bias": EDGE}},
        lambda q, k, i, j: (norm(q) * norm(k)).sum(-1) * TEMPERATURE.clamp(max=math.log(100)).exp() + EDGE,
    ),
    gatv2: (
        {"head": {"a": WEIGHT}},
        lambda q, k, i, j: (WEIGHT * torch.nn.functional.leaky_relu(q + k, 0.2)).sum(-1),
    ),
    bahdanau: ({"head": {"a": WEIGHT}}, lambda q, k, i, j: (WEIGHT * torch.tanh(q + k)).sum(-1)),
    cutoff: (
        {"edge": {"length": LENGTH}},
        lambda q, k, i, j: (
            _dot(q, k)
            + torch.where(
                LENGTH < 1.4, (0.5 * (torch.cos(math.pi * LENGTH.clamp(max=1.4) / 1.5) + 1)).log(), -30
            ).unsqueeze(-1)
        ),
    ),
    radial: ({"edge": {"length": LENGTH}}, lambda q, k, i, j: _dot(q, k) - 10 * (LENGTH - 0.8).square()[:, None]),
    l1: ({}, lambda q, k, i, j: -(q - k).abs().sum(-1)),
    fagcn: ({}, lambda q, k, i, j: torch.tanh(_dot(q, k))),
    by_degree: ({"dst": {"degree": DEGREE}}, lambda q, k, i, j: _dot(q, k) * (1 + DEGREE[i]).log()[:, None]),
    gated_bias: (
        {"edge": {"bias": EDGE, "gate": GATE}},
        lambda q, k, i, j: _dot(q, k).clamp(-5, 5) + EDGE + torch.nn.functional.logsigmoid(GATE),
    ),
}
NORMALIZERS = {fagcn: "identity", l1: "sigmoid"}
