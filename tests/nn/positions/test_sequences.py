"""Positions in sequences and images, each by its published formula."""

import math

import pytest
import torch

import graphattn as ga
from graphattn.nn.positions import (
    ALiBi,
    LearnedPositions,
    OffsetBias,
    RelativeBias,
    Rotary,
    distances,
    places,
    sinusoidal,
    sizes_of,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_sinusoidal():
    width, position = 6, torch.tensor([0, 3, 50])
    got = sinusoidal(position.double(), width)
    for row, p in enumerate(position.tolist()):
        for t in range(3):
            angle = p / 10000 ** (2 * t / width)
            assert got[row, 2 * t] == pytest.approx(math.sin(angle))
            assert got[row, 2 * t + 1] == pytest.approx(math.cos(angle))
    rows, columns = torch.tensor([1, 2, 7]), torch.tensor([4, 0, 3])
    image = sinusoidal(torch.stack([rows, columns], 1), 8)
    assert torch.equal(image, torch.cat([sinusoidal(rows, 4), sinusoidal(columns, 4)], 1))
    with pytest.raises(ValueError, match="multiple of 2 for each of 2 axes, got 6"):
        sinusoidal(torch.zeros(3, 2), 6)


def test_learned():
    table = LearnedPositions(5, 3)
    assert torch.equal(table(torch.tensor([4, 0])), table.table[[4, 0]])
    with pytest.raises(ValueError, match="positions must lie from 0 to 4, got 1 to 5"):
        table(torch.tensor([1, 5]))
    assert table(torch.tensor([], dtype=torch.int64)).shape == (0, 3)


def test_rotary_by_complex_numbers():
    D, x = 6, torch.randn(5, 2, 6, dtype=torch.float64)
    position = torch.tensor([0, 1, 2, 10, 1000])
    theta = 10000.0 ** (-2 * torch.arange(3, dtype=torch.float64) / D)
    turn = torch.polar(torch.ones(5, 3, dtype=torch.float64), position[:, None] * theta)
    want = torch.view_as_real(torch.view_as_complex(x.view(5, 2, 3, 2)) * turn[:, None]).flatten(2)
    torch.testing.assert_close(Rotary(D)(x, position), want)


def test_rotary_scores_depend_on_the_distance_alone():
    layer = ga.nn.MultiheadAttention(12, 3, rotary=Rotary(4)).double().eval()
    x, graph = torch.randn(9, 12, dtype=torch.float64), ga.complete([5, 4])
    here, weights = layer(x, graph, return_weights=True)
    position = places(graph)[0]
    for moved in (position, position + 17):
        torch.testing.assert_close(layer(x, graph, position=moved), here)
    _, other = layer(x, graph, position=2 * position, return_weights=True)
    assert (other - weights).abs().max() > 1e-3
    rotated = torch.einsum(
        "nhd,mhd->nmh", *(Rotary(4)(p(x).view(9, 3, 4), position) for p in (layer.q_proj, layer.k_proj))
    )
    want = (rotated[:5, :5] / 2).softmax(1)
    torch.testing.assert_close(weights[:25].view(5, 5, 3), want)
    with pytest.raises(ValueError, match='but score="none" has none'):
        ga.nn.MultiheadAttention(12, 3, score="none", rotary=Rotary(4))
    with pytest.raises(ValueError, match="head_dim must be even, got 5"):
        Rotary(5)


def t5_bucket(distance, bidirectional, num_buckets, max_distance):
    """T5's own rule, for one number."""
    bucket = 0
    if bidirectional:
        num_buckets //= 2
        bucket += num_buckets if distance > 0 else 0
        distance = abs(distance)
    else:
        distance = -min(distance, 0)
    exact = num_buckets // 2
    if distance < exact:
        return bucket + distance
    wide = exact + int(math.log(distance / exact) / math.log(max_distance / exact) * (num_buckets - exact))
    return bucket + min(wide, num_buckets - 1)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(("num_buckets", "max_distance"), [(32, 128), (8, 20)])
def test_t5_buckets(bidirectional, num_buckets, max_distance):
    bias = RelativeBias(2, num_buckets=num_buckets, max_distance=max_distance, bidirectional=bidirectional)
    distance = torch.arange(-300, 301)
    want = [t5_bucket(each, bidirectional, num_buckets, max_distance) for each in distance.tolist()]
    got = bias.bucket(distance).tolist()
    exact = max_distance / (num_buckets // (4 if bidirectional else 2))
    assert exact > 1
    assert got == want
    graph = ga.window([6, 3], radius=2)
    src, dst = graph.edge_index
    assert torch.equal(bias(graph), bias.table[bias.bucket(src - dst)])
    with pytest.raises(ValueError, match="num_buckets=7"):
        RelativeBias(2, num_buckets=7)


def test_alibi_slopes_are_the_papers():
    assert ALiBi(8).slopes.tolist() == [2.0**-h for h in range(1, 9)]
    twelve = ALiBi(12).slopes
    torch.testing.assert_close(twelve[8:], 2.0 ** (-torch.tensor([1, 3, 5, 7]) / 2))
    assert twelve[:8].tolist() == ALiBi(8).slopes.tolist()
    graph, bias = ga.causal(5), ALiBi(4)
    src, dst = graph.edge_index
    torch.testing.assert_close(bias(graph), -(dst - src)[:, None] * bias.slopes)
    far = bias(ga.bipartite(1, 3), torch.tensor([7]), torch.tensor([5, 6, 7]))
    torch.testing.assert_close(far, -torch.tensor([2, 1, 0])[:, None] * bias.slopes)


def test_offset_bias_is_a_convolution():
    """One head, score "none": the same softmax over the kernel everywhere (Cordonnier et al. 2020's limit)."""
    graph = ga.grid((5, 4), kernel_size=3, border="periodic")
    bias = OffsetBias(graph.offset_shape, 1).double()
    torch.nn.init.normal_(bias.table)
    v = torch.randn(20, 1, 1, dtype=torch.float64)
    got = ga.attention(None, None, v, graph, score="none", edge_bias=bias(graph)).view(5, 4)
    kernel = bias.table.flatten().softmax(0).view(1, 1, 3, 3)
    picture = torch.nn.functional.pad(v.view(1, 1, 5, 4), (1, 1, 1, 1), mode="circular")
    torch.testing.assert_close(got, torch.nn.functional.conv2d(picture, kernel)[0, 0])
    with pytest.raises(TypeError, match="graph is a window or a grid, got Complete"):
        bias(ga.complete(3))
    with pytest.raises(ValueError, match=r"the table is for offsets \(3, 3\), the graph has \(5, 5\)"):
        bias(ga.grid((7, 7), kernel_size=5))


def test_a_head_for_each_offset_is_any_convolution():
    """Cordonnier et al. 2020, arXiv:1911.03584, theorem 1: each head sees one cell of the kernel, W_o the rest."""
    layer = ga.nn.MultiheadAttention(27, 9, score="none", bias=False).double()
    graph = ga.grid((5, 4), kernel_size=3, border="periodic")
    hard = torch.full((9, 9), -torch.inf).fill_diagonal_(0).double()[graph.offset_index]
    x = torch.randn(20, 27, dtype=torch.float64)
    kernel = torch.einsum("ohv,hvi->oih", layer.out_proj.weight.view(27, 9, 3), layer.v_proj.weight.view(9, 3, 27))
    picture = torch.nn.functional.pad(x.t().view(1, 27, 5, 4), (1, 1, 1, 1), mode="circular")
    want = torch.nn.functional.conv2d(picture, kernel.view(27, 27, 3, 3))
    torch.testing.assert_close(layer(x, graph, edge_bias=hard), want.view(27, 20).t())


def test_places():
    assert sizes_of(ga.Graph(torch.tensor([[0], [1]]), 4)) == ((4,), (4,))
    dst, src = places(ga.union(ga.hub([3, 2], hubs=1), ga.window([3, 2], radius=1)))
    assert dst.tolist() == src.tolist() == [0, 1, 2, 0, 1]
    graph = ga.bipartite([1, 2], [2, 1])
    assert distances(graph, None, None).tolist() == [0, 1, 0, -1]
    assert distances(graph, torch.tensor([5, 6, 7]), torch.tensor([0, 1, 2])).tolist() == [-5, -4, -4, -5]
