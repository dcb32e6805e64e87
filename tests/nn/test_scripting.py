"""TorchScript: one sentence that says what to do instead."""

import pytest
import torch
from every_layer import DROP_INS, OWN

import graphattn as ga

pytest.importorskip("torch_geometric")

GRAPHS = [case for case in OWN if case not in ("complete", "causal")]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", [*DROP_INS, *GRAPHS])
def test_scripting_says_what_to_do(case):
    layer = (DROP_INS | OWN)[case][0]()
    with pytest.raises(RuntimeError, match=r"torch\.jit\.script cannot compile \w+, .* use torch\.export\.export"):
        torch.jit.script(layer)
    with pytest.raises(RuntimeError, match=r"torch\.jit\.script cannot compile \w+, .* use torch\.export\.export"):
        torch.jit.script(torch.nn.Sequential(layer))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", ["GATConv", "RGATConv", "MultiheadAttention", "TransformerEncoder", "GPSConv"])
def test_tracing_by_example_says_what_to_do(case):
    make, arguments_of = (DROP_INS | OWN)[case]
    with pytest.raises(RuntimeError, match=r"for a constant: use torch\.export or torch\.compile"):
        torch.jit.trace(make().eval(), arguments_of(11, 29))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "layer",
    [lambda: ga.nn.AttentionPooling(8, 2), lambda: ga.nn.SetTransformerAggregation(8, 2)],
    ids=["pooling", "sets"],
)
def test_tracing_of_sets_by_example(layer):
    x, batch = torch.randn(11, 8), torch.arange(11) // 4
    made = layer()
    pool = (lambda x, batch: made(x, batch, 3)) if isinstance(made, ga.nn.AttentionPooling) else made
    with pytest.raises(RuntimeError, match=r"torch\.jit\.trace would keep the sets for a constant"):
        torch.jit.trace(pool, (x, batch))
