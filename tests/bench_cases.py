"""What the tests of the benchmarks share: small graphs, and figures as if measured."""

import torch

from graphattn import Graph, bipartite, complete, window
from graphattn.bench import machine
from graphattn.bench.case import Case
from graphattn.bench.graphs import GRAPHS
from graphattn.bench.measure import Timing
from graphattn.bench.peak import Memory
from graphattn.bench.result import Facts, Report, Result

HERE = machine.device()
COMPILED = {"torch.compile", "PyG, compiled", "FlexAttention"}  # each takes seconds to compile


def tiny(name):
    generator = torch.Generator().manual_seed(0)

    def drawn(size):
        return torch.randint(size, (130,), generator=generator)

    return {
        "duplicates": Graph(torch.stack([drawn(11), drawn(11)]), 13),  # two nodes without edges
        "more_sources": Graph(torch.stack([drawn(17), drawn(5)]), num_dst=7, num_src=17),
        "bipartite": bipartite(3, 5),
        "complete": complete(7),
        "window": window(11, radius=2),
    }[name]


def result(contender, forward, both=None, memory=None, *, graph="cora", score="dot"):
    held = memory and Memory(extra=memory, results=memory // 2, inputs=0)
    timings = (value and Timing(value, 0.9 * value, 1.1 * value, 10) for value in (forward, both))
    return Result(Case(graph, score, 8, 16), contender, *timings, held)


RESULTS = [
    result("graphattn", 1.0, 2.0, 100_000),
    result("plain torch", 8.0, 40.0, 2_000_000),
    result("PyG", 16.0, 20.0, 3_000_000),
    result("gather", 4.0),
    result("graphattn", 1.0, 2.0, 100_000, graph="random-800k"),
    result("plain torch", 2.0, 9.0, 150_000, graph="random-800k"),
    result("gather", 2.0, graph="random-800k"),
    Result(Case("random-800k", "dot", 8, 16), "PyG", note="not tried"),
]


def report():
    found = Report(machine.describe("graphattn bench"), results=list(RESULTS))
    found.graphs = {name: Facts.of(name, GRAPHS[name].build()) for name in ("cora", "random-800k")}
    found.probes = {
        "bandwidth": 1e9,
        "alternation": 1.2,
        "overhead, dot": 5e-5,
        "overhead, sum": 7e-5,
        "overhead both, dot": 7e-5,
    }
    found.scaling = [
        {"axis": "edges", "order": "local", "num_edges": size, "heads": 1, "width": 16, "forward": size / 1e9}
        for size in (10**5, 10**6)
    ]
    return found
