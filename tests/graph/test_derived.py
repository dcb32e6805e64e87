import copy
import pickle

import pytest
import torch

import graphattn as ga
from graphattn.graph.derived import derived


def test_made_once():
    graph, made = ga.complete(3), []
    for _ in range(2):
        assert derived(graph, "name", lambda: made.append(1) or "it") == "it"
    assert made == [1]
    assert derived(ga.complete(3), "name", lambda: "another") == "another"


def test_what_is_made_in_inference_serves_a_backward_pass():
    graph = ga.union(ga.hub(9, 1), ga.window(9, 2))
    with torch.inference_mode():
        kept = derived(graph, "name", lambda: torch.ones(3))
        ids = graph.disjoint[0][1]
    assert not kept.is_inference()
    bias = torch.zeros(graph.num_edges, 1, requires_grad=True)
    bias[ids].sum().backward()
    assert bias.grad.sum() == len(ids)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda graph: pickle.loads(pickle.dumps(graph))])
def test_copies_begin_anew(again):
    graph = ga.window(9, 2)
    derived(graph, "name", lambda: lambda: "which cannot be pickled")
    assert derived(again(graph), "name", lambda: "new") == "new"
    assert again(graph) == graph
