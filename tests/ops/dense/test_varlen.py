"""Graphs of several sizes by `varlen_attn`: a stand-in takes its place, checks what it is given and answers."""

import inspect

import pytest
import torch

import graphattn as ga
from graphattn.ops.arguments import prepare
from graphattn.ops.dense import varlen

GRAPHS = {
    "complete": ga.complete([3, 5, 0, 1]),
    "causal": ga.causal([4, 2, 4]),
    "bipartite": ga.bipartite([3, 0, 5], [7, 2, 1]),
}


class StandIn:
    """`varlen_attn` by its documentation, in plain torch."""

    calls = 0

    def __call__(
        self, query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, scale=None, window_size=(-1, -1), enable_gqa=False
    ):
        self.calls += 1
        assert cu_seq_q.dtype == cu_seq_k.dtype == torch.int32
        assert window_size in ((-1, -1), (-1, 0))
        assert enable_gqa == (query.shape[1] != key.shape[1])
        assert (max_q, max_k) == tuple(int(ptr.diff().max()) for ptr in (cu_seq_q, cu_seq_k))
        key, value = (x.repeat_interleave(query.shape[1] // x.shape[1], dim=1) for x in (key, value))
        pieces = zip(*(x.double().tensor_split(ptr[1:-1].long()) for x, ptr in
                       ((query, cu_seq_q), (key, cu_seq_k), (value, cu_seq_k))), strict=True)  # fmt: skip
        outs = []
        for q, k, v in pieces:
            scores = torch.einsum("ihd,jhd->hij", q, k) * scale
            if window_size == (-1, 0):
                scores = scores.masked_fill(torch.ones(len(q), len(k)).triu(1).bool(), -torch.inf)
            outs.append(torch.einsum("hij,jhd->ihd", scores.softmax(-1), v))
        return torch.cat(outs).to(query.dtype)


@pytest.fixture
def stand_in(monkeypatch):
    made = StandIn()
    monkeypatch.setattr(varlen, "_function", lambda: made)
    monkeypatch.setattr(varlen, "_missing", lambda device: None)
    return made


def tensors(graph, key_heads=2, width=8, dtype=torch.bfloat16):
    drawn = torch.Generator().manual_seed(0)
    sizes = (graph.num_dst, 4), (graph.num_src, key_heads), (graph.num_src, key_heads)
    return [torch.randn(*size, width, generator=drawn).to(dtype) for size in sizes]


@pytest.mark.parametrize("score", ["dot", ga.scores.Cosine(2.0)], ids=["dot", "cosine"])
@pytest.mark.parametrize("key_heads", [4, 2])
@pytest.mark.parametrize("name", GRAPHS)
def test_the_answer_and_its_gradients(name, key_heads, score, stand_in):
    graph = GRAPHS[name]
    leaves = [x.requires_grad_() for x in tensors(graph, key_heads)]
    out = ga.attention(*leaves, graph, score=score, scale=0.7, backend="dense")
    want = ga.attention(*leaves, graph, score=score, scale=0.7, backend="reference")
    assert stand_in.calls == 1
    torch.testing.assert_close(out, want, atol=2e-2, rtol=2e-2)  # keys of a cosine have length 1 in bfloat16
    found, wanted = (torch.autograd.grad(x.float().sum(), leaves) for x in (out, want))
    torch.testing.assert_close(found, wanted, atol=2e-2, rtol=2e-2)


def test_it_is_named(stand_in):
    graph = ga.complete([300, 200])
    assert ga.explain_backend(*tensors(graph), graph).reason == "varlen_attn, made for complete graphs of several sizes"
    graph = ga.complete([200, 200])
    reason = ga.explain_backend(*tensors(graph), graph).reason
    assert reason == "scaled_dot_product_attention, made for complete graphs"


def test_what_it_leaves_to_others(stand_in):
    graph = GRAPHS["complete"]
    refused = {
        "float32": tensors(graph, dtype=torch.float32),
        "multiple of 8": tensors(graph, width=12),
        "256": tensors(graph, width=264),
    }
    for why, inputs in refused.items():
        assert why in varlen.refusal(prepare(*inputs, graph))
    no_source = ga.bipartite([2, 3], [0, 4])
    assert "no source" in varlen.refusal(prepare(*tensors(no_source), no_source))
    for inputs in refused.values():
        ga.attention(*inputs, graph, backend="dense")
    bias = torch.zeros(graph.num_edges, 4, dtype=torch.bfloat16)
    ga.attention(*tensors(graph), graph, backend="dense", edge_bias=bias)
    ga.attention(*tensors(graph), graph, backend="dense", dropout=0.5)
    assert stand_in.calls == 0


def test_only_on_a_gpu():
    graph = GRAPHS["complete"]
    assert varlen.refusal(prepare(*tensors(graph), graph)) == "the tensors are not on an NVIDIA GPU"


def test_the_stand_in_has_the_names_of_what_it_stands_for():
    real = pytest.importorskip("torch.nn.attention.varlen").varlen_attn
    theirs = inspect.signature(real).parameters
    for name, mine in inspect.signature(StandIn()).parameters.items():
        if name in ("scale", "window_size", "enable_gqa") and not varlen._is_there():
            continue
        assert theirs[name].kind == mine.kind
