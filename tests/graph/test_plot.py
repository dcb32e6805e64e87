import os
import subprocess
import sys

import matplotlib
import numpy
import pytest
import torch
from matplotlib import pyplot as plt

from graphattn.graph import Graph, batch, bipartite, causal, complete, expander, grid, hub, knn, strided, union, window
from graphattn.testing import zoo

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def cells(axes):
    """What a picture of cells shows, as numbers of colors."""
    return axes.images[0].get_array()


@pytest.mark.parametrize("style", ["auto", "matrix", "network"])
@pytest.mark.parametrize("name", zoo())
def test_draws_the_whole_zoo(name, style):
    axes = zoo()[name].plot(style)
    assert axes.get_title()
    axes.figure.canvas.draw()


@pytest.mark.parametrize("graph", [window(7, 2), strided(7, 2), hub(7, 2), causal([3, 4]), bipartite(3, 5)])
def test_matrix_has_a_row_for_each_destination(graph):
    axes = graph.plot("matrix")
    assert numpy.array_equal(cells(axes), graph.to_torch_sparse().to_dense())
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("source j (key)", "destination i (query)")
    assert axes.get_title().startswith(type(graph).__name__)
    assert f"{graph.num_edges} edges" in axes.get_title()


def test_a_union_shows_its_parts_the_earlier_on_top():
    axes = union(window(5, 0), hub(5, 1)).plot()
    assert cells(axes).tolist() == [[1, 2, 2, 2, 2], [2, 1, 0, 0, 0], [2, 0, 1, 0, 0], [2, 0, 0, 1, 0], [2, 0, 0, 0, 1]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["Window", "Hub"]


def test_a_large_matrix_is_drawn_coarser():
    axes = window(100_000, radius=1).plot()
    assert cells(axes).shape == (512, 512)
    assert (numpy.diag(cells(axes)) == 1).all()
    assert cells(axes).sum() <= 3 * 512
    assert axes.get_xlim() == (-0.5, 99_999.5)


def test_graphs_in_a_batch_are_set_apart():
    assert len(batch([complete(40), complete(40), causal(20)]).plot().lines) == 4


def test_a_grid_shows_what_the_middle_sees():
    graph = grid((5, 7), kernel_size=(3, 3))
    axes = graph.plot()
    expected = torch.zeros(5, 7)
    expected[1:4, 2:5] = 1
    expected[2, 3] = 2
    assert numpy.array_equal(cells(axes), expected)
    assert axes.get_title() == "Grid 5 × 7: node (2, 3) sees 9"
    assert [text.get_text() for text in axes.texts] == [str(offset) for offset in range(9)]


def test_a_neighborhood_of_another_node():
    axes = window(9, radius=1, dilation=2, border="shift").plot("neighborhood", node=0)
    assert cells(axes).tolist() == [[2, 0, 1, 0, 1, 0, 0, 0, 0]]
    assert [text.get_text() for text in axes.texts] == ["2", "3", "4"]


def test_a_volume_is_drawn_plane_by_plane():
    axes = grid((3, 2, 2), kernel_size=(3, 1, 1)).plot(node=4)
    assert cells(axes).tolist() == [[1, 0, 3, 2, 0, 3, 1, 0], [0, 0, 3, 0, 0, 3, 0, 0]]
    assert axes.get_title() == "Grid 3 × 2 × 2: node (1, 0, 0) sees 3"


def test_edges_both_ways_are_lines_others_arrows():
    both_ways = expander(9, 4).plot()
    assert len(both_ways.collections[0].get_segments()) == 36
    assert len(both_ways.texts) == 0
    one_way = Graph(torch.tensor([[0, 1, 2], [1, 2, 2]])).plot()
    assert len(one_way.texts) == 2  # arrows; the self-loop is a circle
    assert len(one_way.collections[0].get_offsets()) == 1


def test_nodes_are_where_they_are_said_to_be():
    pos = torch.rand(11, 2)
    axes = knn(pos, 2).plot(pos=pos)
    assert numpy.allclose(axes.collections[-1].get_offsets(), pos)


def test_draws_into_given_axes():
    axes = plt.subplots()[1]
    assert complete(3).plot(ax=axes) is axes


@pytest.mark.parametrize(
    ("graph", "options", "error", "message"),
    [
        (complete(3), {"style": "circle"}, ValueError, "style must be one of auto, matrix, neighborhood, network"),
        (complete(3), {"style": "neighborhood"}, ValueError, "draws one grid or one window with nodes, got Complete"),
        (grid([(3, 3)] * 2, 3), {"style": "neighborhood"}, ValueError, "draws one grid or one window"),
        (grid((0, 3), 3), {"style": "neighborhood"}, ValueError, "draws one grid or one window"),
        (grid((3, 3), 3), {"node": 9}, ValueError, "node must be one of the 9 nodes, got 9"),
        (grid((3, 3), 3), {"node": 0.5}, TypeError, r"node must be an integer, got 0\.5"),
        (complete(3), {"pos": torch.zeros(3, 3)}, ValueError, r"pos must have shape \[N, 2\].* got \[3, 3\]"),
        (
            complete(10**6),
            {},
            ValueError,
            "at most 100,000,000 edges, but the graph has 1,000,000,000,000; draw a smaller",
        ),
    ],
)
def test_bad_input(graph, options, error, message):
    with pytest.raises(error, match=message):
        graph.plot(**options)


def test_matplotlib_loads_when_a_graph_is_drawn():
    program = (
        "import sys, graphattn as ga; graph = ga.window(5, 1); print('matplotlib' in sys.modules); "
        "graph.plot(); print('matplotlib' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "MPLBACKEND": "agg"},
    )
    assert done.stdout.split() == ["False", "True"]


def test_the_old_spelling_of_a_style():
    with pytest.warns(DeprecationWarning, match="style='neighborhood'") as caught:
        axes = grid(3, 3).plot("neighbourhood")
    assert caught[0].filename == __file__
    assert numpy.array_equal(cells(axes), cells(grid(3, 3).plot("neighborhood")))
