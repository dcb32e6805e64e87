"""The benchmark's own correctness, and the one target that is no matter of time: memory."""

import functools
import io
import math
import os
import signal
import time

import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from graphattn import Graph, bipartite, complete, window
from graphattn.bench import case as cases
from graphattn.bench import child, machine, plot, probes, process, run, scaling, summary, tables
from graphattn.bench.case import GPU, QUICK, SCORES, SHAPES, SUITE, Case
from graphattn.bench.contenders import ALL, RIVALS
from graphattn.bench.goals import goals
from graphattn.bench.graphs import GRAPHS
from graphattn.bench.measure import Timing, peak_extra, repeat
from graphattn.bench.result import Facts, Report, Result
from graphattn.bench.roofline import forward_bytes
from graphattn.bench.text import milliseconds, number
from graphattn.cli.main import app

pytest.importorskip("numba")

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


def out_and_grads(contender, case, graph):
    leaves = [tensor.to(HERE).requires_grad_() for tensor in case.leaves(graph)]
    out = contender.prepare(case.score, graph.to(HERE))(*leaves)
    weight = torch.linspace(-1, 1, out.numel(), device=HERE).view_as(out)
    return [out.detach(), *torch.autograd.grad(out, leaves, weight)]


@pytest.mark.parametrize("graph", ["duplicates", "more_sources", "bipartite", "complete", "window"])
@pytest.mark.parametrize("score", SCORES)
def test_contenders_compute_the_same(score, graph):
    case, graph = Case("", score, heads=3, width=5), tiny(graph)
    ours = out_and_grads(ALL["graphattn"], case, graph)
    for contender in ALL.values():
        there = contender.installed and contender.serves(case, graph, HERE)
        if there and contender.name not in {"graphattn", "gather", *COMPILED}:
            for mine, theirs in zip(ours, out_and_grads(contender, case, graph), strict=True):
                torch.testing.assert_close(theirs, mine, msg=lambda text, name=contender.name: f"{name}: {text}")


@pytest.mark.slow
@pytest.mark.parametrize("score", SCORES)
def test_the_compiled_contender_computes_the_same(score):
    case, graph = Case("", score, heads=3, width=5), tiny("duplicates")
    for mine, theirs in zip(
        out_and_grads(ALL["graphattn"], case, graph), out_and_grads(ALL["torch.compile"], case, graph), strict=True
    ):
        torch.testing.assert_close(theirs, mine)


@pytest.mark.parametrize("score", SCORES)
def test_compiled_pyg_computes_the_same(score, monkeypatch):
    pytest.importorskip("torch_geometric")
    torch._dynamo.reset()
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))  # traced, and no more
    case, graph = Case("", score, heads=3, width=5), tiny("duplicates")
    theirs = out_and_grads(ALL["PyG, compiled"], case, graph)
    for mine, other in zip(out_and_grads(ALL["graphattn"], case, graph), theirs, strict=True):
        torch.testing.assert_close(other, mine)


def test_cases_for_gpus_in_their_dtype():
    assert len(set(GPU)) == len(GPU)
    assert {case.dtype for case in GPU} == {"float32", "bfloat16"}
    assert str(Case("cora", "dot", 4, 64, "bfloat16")) == "cora, dot, 4 × 64, bfloat16"
    graph = tiny("more_sources")
    assert {leaf.dtype for leaf in Case("", "dot", 2, 3, "bfloat16").leaves(graph)} == {torch.bfloat16}


@pytest.mark.slow
@pytest.mark.parametrize("graph", ["complete", "window"])
def test_flex_attention_computes_the_same(graph):
    case, graph = Case("", "dot", heads=3, width=16), tiny(graph)
    inputs = [tensor.to(HERE) for tensor in case.leaves(graph)]
    ours, theirs = (ALL[name].prepare("dot", graph.to(HERE))(*inputs) for name in ("graphattn", "FlexAttention"))
    torch.testing.assert_close(theirs, ours)


def test_gather_fetches_what_the_edges_read():
    graph = tiny("more_sources")
    q, k, v = Case("", "dot", 2, 3).leaves(graph)
    src = graph.edge_index[0]
    for found, wanted in zip(ALL["gather"].prepare("dot", graph)(q, k, v), (k[src], v[src]), strict=True):
        assert torch.equal(found, wanted)
    assert len(ALL["gather"].prepare("additive", graph)(q, k, q[0])) == 1  # keys are values


def test_the_suite_has_every_score_in_every_shape():
    for graph in ("cora", "arxiv", "molecules", "mesh-up", "knn-8"):
        assert {(case.score, case.heads, case.width) for case in SUITE if case.graph == graph} == {
            (score, *shape) for score in SCORES for shape in SHAPES
        }
    assert set(QUICK) <= set(SUITE)
    assert len(set(SUITE)) == len(SUITE)


def test_leaves_follow_the_score():
    graph = tiny("more_sources")
    shapes = {score: [list(leaf.shape) for leaf in Case("", score, 2, 3).leaves(graph)] for score in SCORES}
    assert shapes["dot"] == [[7, 2, 3], [17, 2, 3], [17, 2, 3]]
    assert shapes["sum"] == [[7, 2], [17, 2], [17, 2, 3]]
    assert shapes["additive"] == [[7, 2, 3], [17, 2, 3], [2, 3]]


# Graphs


@pytest.mark.parametrize("name", [name for name in GRAPHS if "800k" not in name])
def test_graphs_are_the_same_each_time(name):
    assert GRAPHS[name].build() == GRAPHS[name].build()


@pytest.mark.parametrize(
    ("name", "nodes", "edges", "largest"),
    [("cora", 2_708, 10_556, 168), ("pubmed", 19_717, 88_648, 171), ("arxiv", 7_056, 48_594, 540)],
)
def test_power_laws_have_the_degrees_of_their_originals(name, nodes, edges, largest):
    graph = GRAPHS[name].build()
    assert (graph.num_nodes, graph.num_edges, int(graph.in_degree.max())) == (nodes, edges, largest)
    assert int(graph.out_degree.max()) == largest
    assert graph.in_degree.median() < edges / nodes  # a tail
    assert (graph.edge_index[0].diff() >= 0).all()  # by source


def test_communities_are_blocks_of_consecutive_nodes():
    for name, size in (("arxiv-community", 256), ("community-800k", 1_024)):
        src, dst = GRAPHS[name].build().edge_index
        assert 0.84 < (src // size == dst // size).float().mean() < 0.89
    assert (GRAPHS["arxiv"].build().edge_index // 256).diff(dim=0).eq(0).float().mean() < 0.1


@pytest.mark.parametrize("name", ["web-topics", "hub-800k"])
def test_a_tenth_of_the_edges_end_in_the_hub(name):
    graph = GRAPHS[name].build()
    assert 0.1 <= graph.in_degree[0] / graph.num_edges < 0.101
    empty = (graph.in_degree == 0).float().mean()
    assert empty >= 0.5 if name == "web-topics" else empty < 0.01


@pytest.mark.parametrize(("name", "count"), [("molecules", 64), ("molecules-1024", 1_024)])
def test_molecules_are_disjoint_and_bonds_go_both_ways(name, count):
    from scipy.sparse.csgraph import connected_components

    graph = GRAPHS[name].build()
    adjacency = graph.to_scipy()
    assert abs(adjacency - adjacency.T).nnz == 0
    assert connected_components(adjacency)[0] == count
    assert 2.0 < graph.num_edges / graph.num_nodes < 2.2
    assert graph.in_degree.max() <= 6


def test_meshes_see_their_nearest_points_and_back():
    up, down = GRAPHS["mesh-up"].build(), GRAPHS["mesh-down"].build()
    assert (up.num_src, up.num_dst) == (down.num_dst, down.num_src) == (1_280, 16_940)
    assert (up.in_degree == 3).all()
    assert (down.out_degree == 3).all()


def test_clouds_have_equal_degrees_and_no_self_loops():
    graph = GRAPHS["knn-8"].build()
    src, dst = graph.edge_index
    assert (graph.in_degree == 8).all()
    assert (src != dst).all()
    assert (src // 71 == dst // 71).all()


# Measuring


def test_repetitions_go_on_for_the_time_given(monkeypatch):
    now = 0.0

    def takes(seconds):
        nonlocal now
        now += seconds

    monkeypatch.setattr(time, "perf_counter", lambda: now)
    assert repeat(lambda: takes(0.25), 0.0, "cpu").repetitions == 3
    assert repeat(lambda: takes(0.0), 10.0, "cpu").repetitions == 1000
    assert repeat(lambda: takes(0.25), 1.25, "cpu") == Timing(median=0.25, spread=0, repetitions=5)


def test_median_and_spread(monkeypatch):
    ticks = iter([0, 1, 10, 12, 20, 23, 30, 34, 40, 45])  # 1, 2, 3, 4 and 5 seconds
    monkeypatch.setattr(time, "perf_counter", lambda: next(ticks))
    assert repeat(lambda: None, 15.0, HERE) == Timing(median=3, spread=1, repetitions=5)


def test_peak_memory_of_a_known_size():
    for _ in range(2):  # what the first call leaves behind must not hide the second
        found = peak_extra(lambda: torch.ones(16 * 2**20, device=HERE), HERE)
        if found is None:
            pytest.skip("this system does not tell the peak of memory")
        assert abs(found - 64 * 2**20) < 2 * 2**20


def test_a_measurement_has_every_figure():
    found = child.measure(Case("molecules", "sum", 2, 4), "graphattn", 0.0, HERE)
    assert found.forward.repetitions == found.both.repetitions == 3
    assert 0 < found.forward.median < found.both.median
    assert found.note is None


def test_what_would_not_fit_is_not_tried(monkeypatch):
    monkeypatch.setattr(child, "memory", lambda device: 2**20)
    found = child.measure(Case("molecules", "dot", 8, 64), "plain torch", 0.0, HERE)
    assert found.forward is None
    assert "not tried" in found.note
    assert child.measure(Case("molecules", "dot", 8, 64), "graphattn", 0.0, HERE).note is None


def test_no_backward_pass_is_no_failure(monkeypatch):
    def forward_only(*leaves):
        if leaves[0].requires_grad:
            raise NotImplementedError
        return leaves[0]

    contender = type(ALL["SDPA"])("one way", lambda score, graph: forward_only)
    monkeypatch.setitem(child.ALL, "one way", contender)
    found = child.measure(Case("molecules", "dot", 2, 4), "one way", 0.0, HERE)
    assert found.forward is not None
    assert found.both is None
    assert "no backward" in found.note


def test_a_process_of_its_own():
    assert process.run(os.getpid) != os.getpid()
    with pytest.raises(process.FailedError, match="ValueError: invalid literal"):
        process.run(int, "x")
    with pytest.raises(process.FailedError, match="exit code 3"):
        process.run(os._exit, 3)
    with pytest.raises(process.FailedError, match="took longer"):
        process.run(time.sleep, 30, timeout=0.5)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_killed_process_is_told_from_one_that_failed():
    with pytest.raises(process.FailedError, match="killed"):
        process.run(signal.raise_signal, signal.SIGKILL)


def test_a_contender_that_fails_is_reported_not_fatal():
    found = run.Task(Case("no such graph", "dot", 1, 1), "graphattn", 1, HERE).run(0.0)
    assert found.forward is None
    assert "no such graph" in found.note


def test_others_share_of_the_processors(monkeypatch):
    readings = iter([(100.0, 40.0, 10.0), (110.0, 48.0, 13.0)])  # of 10 s, 8 busy, of which 3 our own
    monkeypatch.setattr(machine.Watch, "_read", staticmethod(lambda: next(readings)))
    assert machine.Watch().disturbed() == 0.5


def test_overhead_names_every_score():
    found = probes.overhead(HERE)
    assert {
        f"{what}, {score}" for what in ("overhead", "overhead recorded", "overhead both") for score in SCORES
    } == set(found)
    assert min(found.values()) > 0


def test_extra_memory_is_under_a_tenth_of_plain_torch():
    case = Case("random-80k", "dot", 8, 16)
    ours, theirs = (process.run(child.measure, case, name, 0.0, HERE).memory for name in ("graphattn", "plain torch"))
    if ours is None:
        pytest.skip("this system does not tell the peak of memory")
    assert ours < 0.1 * theirs


# What the figures say


def result(contender, forward, both=None, memory=None, *, graph="cora", score="dot"):
    timing = {name: value and Timing(value, value / 10, 3) for name, value in (("forward", forward), ("both", both))}
    return Result(Case(graph, score, 8, 16), contender, memory=memory, **timing)


RESULTS = [
    result("graphattn", 1.0, 2.0, 100),
    result("plain torch", 8.0, 40.0, 2_000),
    result("PyG", 16.0, 20.0, 3_000),
    result("gather", 4.0),
    result("graphattn", 1.0, 2.0, 100, graph="random-800k"),
    result("plain torch", 2.0, 9.0, 150, graph="random-800k"),
    result("gather", 2.0, graph="random-800k"),
    Result(Case("random-800k", "dot", 8, 16), "PyG", note="not tried"),
]


def test_the_best_rival_is_chosen_in_each_row_for_each_figure():
    first, second = summary.rows(RESULTS)
    assert [summary.best(first, kind) for kind in ("forward", "both", "memory")] == [8, 10, 20]
    assert summary.best(second, "both") == 4.5
    assert summary.multiple(second, "PyG", "forward") is None
    assert "gather" not in RIVALS


def test_geometric_mean_and_worst_row():
    found = summary.compare(summary.rows(RESULTS), "forward")
    assert math.isclose(found.mean, 4)
    assert (found.worst, found.where.graph, found.under_three, found.rows) == (2, "random-800k", 1, 2)
    assert summary.compare(summary.rows(RESULTS), "forward", "PyG").rows == 1
    assert summary.compare(summary.rows(RESULTS), "forward", "DGL") is None


def report():
    found = Report(machine.describe("graphattn bench"), results=list(RESULTS))
    found.graphs = {name: Facts.of(name, GRAPHS[name].build()) for name in ("cora", "random-800k")}
    found.probes = {"bandwidth": 1e9, "alternation": 1.2, "overhead, dot": 5e-5, "overhead, sum": 7e-5}
    found.scaling = [
        {"axis": "edges", "order": "local", "num_edges": size, "heads": 1, "width": 16, "forward": size / 1e9}
        for size in (10**5, 10**6)
    ]
    return found


def test_goals_say_what_is_reached_and_what_is_not():
    found = {goal.what: goal for goal in goals(report())}
    expected = {
        "forward, best rival of each row: geometric mean of 2 rows": ("4.0 ×", False),
        "forward + backward: worst row": ("4.5 × (random-800k, dot, 8 × 16)", True),
        "forward: rows under 3 ×": ("1 of 2", False),
        "forward beside gathering alone: random-800k, dot, 8 × 16": ("0.50 ×", False),
        "one call on a graph of 30 nodes, slowest score": ("70 µs (sum)", False),
        "taking turns with torch.mm, in multiples of the two alone": ("1.20 ×", False),
        "forward: exponent of time over edges, local sources, 100,000 to 1,000,000": ("1.00", True),
    }
    for what, (measured, reached) in expected.items():
        assert (found[what].measured, found[what].reached) == (measured, reached)


def test_nothing_measured_speaks_of_no_goal():
    assert goals(Report(machine.describe(""))) == []


def test_a_report_survives_its_file(tmp_path):
    path = tmp_path / "report.json"
    path.write_text(report().to_json(), encoding="utf-8")
    assert Report.load(path) == report()
    assert sum('"contender"' in line for line in path.read_text().splitlines()) == len(RESULTS)


def test_roofline_counts_every_byte():
    facts = Facts("", num_dst=3, num_src=5, num_edges=7, largest=4, empty=0)
    assert forward_bytes(Case("", "dot", 2, 4), facts) == 4 * (7 * 16 + 3 * 16 + 3 * 2) + 4 * (7 + 3)
    assert forward_bytes(Case("", "sum", 2, 4), facts) == 4 * (7 * 10 + 3 * 10 + 3 * 2) + 4 * (7 + 3)
    assert forward_bytes(Case("", "additive", 2, 4), facts) == 4 * (7 * 8 + 3 * 16 + 3 * 2) + 4 * (7 + 3)


def test_figures_as_people_read_them():
    assert [number(value) for value in (1234.5, 123.4, 12.34, 1.234)] == ["1,234", "123", "12.3", "1.23"]
    assert milliseconds(Timing(0.0042, 0.000126, 9)) == "4.20 ms ±3%"
    assert milliseconds(None) == "–"


def test_tables_show_every_contender():
    console = Console(file=io.StringIO(), width=120)
    for name in ("cora", "random-800k"):
        console.print(tables.of_graph(report(), name), *tables.notes(report(), name))
    console.print(tables.summary(report()), tables.aims(report()))
    text = console.file.getvalue()
    assert "PyG: not tried" in text
    assert "1,000 ms ±10%" in text
    assert "4.00 (2.00)" in text


def test_a_picture(tmp_path):
    path = tmp_path / "picture.png"
    plot.draw(report(), path)
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="nothing to draw"):
        plot.draw(Report(machine.describe("")), path)


# How the cost grows


def test_exponents_are_slopes():
    sizes = [10.0, 100.0, 1000.0]
    assert math.isclose(scaling.exponent(sizes, [3 * size**1.5 for size in sizes]), 1.5)


def test_points_reach_as_far_as_memory(monkeypatch):
    monkeypatch.setattr(scaling, "memory", lambda device: 10**9)
    edges = [point["num_edges"] for point in scaling.points(HERE) if point["axis"] == "edges"]
    assert edges == 2 * [100_000, 316_228, 1_000_000, 3_162_278]
    shapes = [(point["heads"], point["width"]) for point in scaling.points(HERE) if point["axis"] != "edges"]
    assert {heads * width for heads, width in shapes} == {16, 32, 64, 128, 256, 512, 1024}


def test_local_sources_are_near():
    src, dst = scaling.build("local", 16_000).edge_index
    assert (src - dst).abs().max() <= 128
    src, dst = scaling.build("random", 16_000).edge_index
    assert (src - dst).abs().max() > 900


def test_a_point_is_measured_or_says_why_not():
    point = {"axis": "edges", "order": "local", "num_edges": 1_600, "heads": 1, "width": 16}
    found = scaling.run(point, 0.0, HERE)
    assert 0 < found["forward"] < found["both"]
    assert "note" in scaling.run({**point, "num_edges": -1}, 0.0, HERE)


# The command


def test_command_writes_every_figure(tmp_path, monkeypatch):
    monkeypatch.setattr(cases, "QUICK", [Case("molecules", "dot", 8, 16), Case("complete-512", "dot", 8, 16)])
    monkeypatch.setattr(run, "ALL", {name: ALL[name] for name in ALL if name not in COMPILED})
    path, picture = tmp_path / "figures.json", tmp_path / "picture.png"
    arguments = ["bench", "molecules", "--quick", "--seconds", "0", "--json", str(path), "--plot", str(picture)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    found = Report.load(path)
    assert found.environment["command"] == "graphattn bench molecules --quick --seconds 0"
    assert {result.case for result in found.results} == {Case("molecules", "dot", 8, 16)}
    contenders = [result.contender for result in found.results]
    assert contenders[:2] == ["graphattn", "plain torch"]
    assert contenders[-1] == "gather"
    assert "best rival of each row" in done.output


def test_command_measures_how_the_cost_grows(tmp_path, monkeypatch):
    point = {"axis": "edges", "order": "local", "num_edges": 1_600, "heads": 1, "width": 16}
    monkeypatch.setattr(scaling, "points", lambda device: [point, {**point, "num_edges": 3_200}])
    path, picture = tmp_path / "figures.json", tmp_path / "picture.png"
    arguments = ["bench", "--scaling", "--seconds", "0", "--json", str(path), "--plot", str(picture)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert [point["num_edges"] for point in Report.load(path).scaling] == [1_600, 3_200]
    assert "exponent" in done.output
    assert picture.exists()


def test_command_names_the_graphs_there_are():
    done = CliRunner().invoke(app, ["bench", "nothing"])
    assert done.exit_code == 2
    assert "molecules" in done.output
