"""The same bits whatever the number of threads, from several Python threads at once, and after a fork."""

import os
import threading

import pytest
import torch
from ops.lowering.cases import FUSED, Case, attend, run, same_bits, tensors

import graphattn as ga

pytest.importorskip("numba")

CASES = [
    Case("dot", "softmax", "bias", (4, 4), (16, 16, 4)),
    Case("dot", "sigmoid", "low rank", (4, 2), (16, 16, 4), returns="weights"),
    Case("cosine", "softmax", "value", (2, 2), (16, 16, 4), dropout=0.2),
    Case("sum", "softmax", "bias", (4, 4), (16, 16, 4), returns="weights"),
    Case("additive leaky_relu", "softmax", "key", (2, 2), (16, 16, 4), returns="state"),
    Case("additive tanh", "relu", "key and value", (2, 2), (16, 16, 4), torch.bfloat16),
    Case("none", "identity", "low rank for values", (4, 4), (16, 16, 4)),
]


def large():
    """Enough edges for several threads, with a hub whose row is cut."""
    torch.manual_seed(0)
    edges = torch.randint(0, 5000, (2, 60_000))
    edges[1, ::7] = 13
    edges[0, 1::7] = 17
    return ga.Graph(edges, 5000)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_same_bits_in_every_run_with_any_number_of_threads(case):
    graph = large()
    given = tensors(case, graph)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            found.append(run(case, graph, given, FUSED))
    finally:
        torch.set_num_threads(before)
    assert all(same_bits(found[0], other) for other in found[1:])


@pytest.mark.parametrize("case", CASES[:2], ids=str)
def test_from_several_python_threads_at_once(case):
    graph = large()
    given = tensors(case, graph)
    want, found = run(case, graph, given, FUSED), []
    threads = [threading.Thread(target=lambda: found.append(run(case, graph, given, FUSED))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(same_bits(want, other) for other in found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("case", CASES[:4], ids=str)
def test_after_fork(case):
    graph = large()
    given = {name: tensor.to(case.dtype) for name, tensor in tensors(case, graph).items()}
    # Autograd's own threads do not outlive a fork, so the child runs the forward pass only.
    want = attend(case, graph, given, FUSED)[0]
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if torch.equal(want, attend(case, graph, given, FUSED)[0]) else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
