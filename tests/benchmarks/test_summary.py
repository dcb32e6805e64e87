"""What the figures say."""

import math

from bench_cases import RESULTS, report

from graphattn.bench import machine, summary
from graphattn.bench.contenders import RIVALS
from graphattn.bench.goals import goals
from graphattn.bench.result import Report


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


def test_goals_say_what_is_reached_and_what_is_not():
    found = {goal.what: goal for goal in goals(report())}
    expected = {
        "forward, best rival of each row: geometric mean of 2 rows": ("4.0 ×", False),
        "forward + backward: worst row": ("4.5 × (random-800k, dot, 8 × 16)", True),
        "forward: rows under 3 ×": ("1 of 2", False),
        "one call on a graph of 30 nodes without gradients, slowest score": ("70 µs (sum)", False),
        "forward + backward on a graph of 30 nodes, slowest score": ("70 µs (dot)", True),
        "Cora and molecules, forward + backward, best rival of each row: worst row": (
            "10.0 × (cora, dot, 8 × 16); geometric mean 10.0 ×",
            True,
        ),
        "large random graphs, share of the copy roofline: worst row": ("88% (random-800k, dot, 8 × 16)", True),
        "taking turns with torch.mm, in multiples of the two alone": ("1.20 ×", False),
        "forward: exponent of time over edges, local sources, 100,000 to 1,000,000": ("1.00", True),
    }
    for what, (measured, reached) in expected.items():
        assert (found[what].measured, found[what].reached) == (measured, reached)


def test_nothing_measured_speaks_of_no_goal():
    assert goals(Report(machine.describe(""))) == []
