"""The page on architecture is true: its maps, the files it names, and its recipes."""

import copy
import importlib.util
import pickle
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn

import graphattn as ga
from graphattn.graph import compressed, rule
from graphattn.ops import dispatch, lowering, scores
from graphattn.testing import assert_batch_equals_separate, assert_node_permutation_equivariant, zoo

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def map_of_code():
    pytest.importorskip("grimp")
    spec = importlib.util.spec_from_file_location("map_of_code", ROOT / "docs" / "map.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_map_is_up_to_date(map_of_code):
    for path, package in map_of_code.MAPS.items():
        assert f"_static/maps/{path.name})" in PAGE
        assert path.read_text(encoding="utf-8") == map_of_code.draw(package), "run python docs/map.py"


def test_the_table_of_packages_is_up_to_date(map_of_code):
    for page in map_of_code.PAGES:
        text = page.read_text(encoding="utf-8")
        assert map_of_code.MARK.search(text)
        assert map_of_code.written(text) == text, "run python docs/map.py"


def test_a_row_of_a_map_imports_only_from_below(map_of_code):
    arrows = map_of_code.arrows("graphattn.nn")
    above = set()
    for row in map_of_code.rows("graphattn.nn"):
        above |= set(row)
        assert all(below not in above for member in row for below in arrows.successors(member))
    assert above == set(arrows.nodes)


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/kernels.md", "docs/testing.md"])
def test_every_file_that_is_named_exists(page):
    named = re.findall(r"`((?:graphattn|tests|docs)/[\w./]*)`", (ROOT / page).read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_recipe_for_a_score(monkeypatch):
    """As the page says: a dataclass, `Score`, `_BY_NAME`, and a refusal. It then runs on every graph."""

    @dataclass(frozen=True)
    class Distance:
        """−‖q_i − k_j‖²."""

        name = "distance"
        takes_edge_key = True

        def default_scale(self, width):
            return 1.0

        def __call__(self, q_i, k_j, bias, scale):
            score = -(q_i - k_j).square().sum(-1) * scale
            return score if bias is None else score + bias

    refuse = lowering.refusal
    monkeypatch.setattr(scores, "Score", scores.Score | Distance)
    monkeypatch.setitem(scores._BY_NAME, "distance", Distance())
    monkeypatch.setattr(
        lowering,
        "refusal",
        lambda call: "a distance is not fused" if isinstance(call.score, Distance) else refuse(call),
    )
    for graph in zoo().values():
        q, k = torch.randn(graph.num_dst, 2, 3).double(), torch.randn(graph.num_src, 2, 3).double()
        out = ga.attention(q, k, k, graph, score="distance")
        square = ga.attention(q, k, k, graph, scale=2.0, edge_bias=-k.square().sum(-1)[graph.edge_index[0]])
        torch.testing.assert_close(out, square)  # ‖q − k‖² = ‖q‖² − 2 ⟨q, k⟩ + ‖k‖², of which ‖q‖² drops out


def test_the_recipe_for_a_backend(monkeypatch):
    """As the page says: a `Backend`, and its place in `BACKENDS`. It is explained, chosen and asked for by name."""
    backend = pytest.importorskip("graphattn.ops.backend")

    def refusal(call):
        if call.normalize != "identity" or not isinstance(call.score, scores.NoScore):
            return 'it computes score="none" with normalize="identity" only'
        if call.edge_bias is None or set(call.tensors) - {"v", "edge_bias"} or call.dropout:
            return "it takes an edge bias and values only"
        return "it returns neither weights nor a state" if call.return_weights or call.return_state else None

    def run(call, attend):
        src, dst = call.graph.edge_index
        out = call.v.new_zeros(call.graph.num_dst, call.heads, call.v.shape[2])
        heads = call.v.repeat_interleave(call.heads // call.v.shape[1], dim=1)
        return out.index_add(0, dst, call.edge_bias.unsqueeze(2) * heads[src])

    toy = backend.Backend(name="toy", summary="one index_add", refusal=refusal, run=run)
    monkeypatch.setattr(dispatch, "BACKENDS", (toy, *dispatch.BACKENDS))
    for graph in zoo().values():
        v, bias = torch.randn(graph.num_src, 2, 3).double(), torch.randn(graph.num_edges, 2).double()
        options = {"score": "none", "normalize": "identity", "edge_bias": bias}
        found = ga.explain_backend(None, None, v, graph, **options)
        assert (found.backend, found.reason) == ("toy", "one index_add")
        expected = ga.attention(None, None, v, graph, backend="reference", **options)
        torch.testing.assert_close(ga.attention(None, None, v, graph, **options), expected)
        torch.testing.assert_close(ga.attention(None, None, v, graph, backend="toy", **options), expected)
        q = v.new_zeros(graph.num_dst, 2, 3)
        assert ga.explain_backend(q, v, v, graph).rejected["toy"].startswith("it computes")
    with pytest.raises(ValueError, match="backend='toy' cannot run this call: it computes"):
        ga.attention(None, None, v, graph, score="none", edge_bias=bias, backend="toy")


class Chain(rule.GraphKind):
    """Each node sees itself and the node before it."""

    def __init__(self, sizes, *, device="cpu"):
        self.sizes = tuple(sizes)
        self._set_packed(self.sizes, self.sizes, sum(max(2 * n - 1, 0) for n in self.sizes), torch.device(device))

    def _make_csr(self) -> compressed.Compressed:
        position, _, _ = rule.positions(self.sizes, self.device)
        node = torch.arange(self.num_dst, device=self.device)
        before = (position > 0).long()
        return self._from_ranges(node - before, 1 + before)


def test_the_recipe_for_a_kind_of_graph():
    """As the page says: `sizes`, `_set_packed`, `_make_csr`; all else follows."""
    chain = Chain([4, 0, 3])
    assert chain.edge_index.tolist() == [[0, 0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6], [0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6]]
    assert ga.batch([Chain([4]), Chain([0, 3])]) == chain
    assert type(ga.batch([Chain([4]), Chain([0, 3])])) is Chain
    assert pickle.loads(pickle.dumps(chain)) == copy.deepcopy(chain) == chain.to("cpu") == chain
    assert repr(chain) == "Chain(num_graphs=3, num_nodes=7, num_edges=12)"
    pytest.importorskip("matplotlib").use("agg")
    assert chain.plot().get_title() == "Chain: 7 nodes, 12 edges"
    x = torch.randn(7, 2, 3).double()
    torch.testing.assert_close(ga.attention(x, x, x, chain), ga.attention(x, x, x, ga.window([4, 0, 3], (1, 0))))


def test_the_recipe_for_a_layer():
    """As the page says: a module that calls `ga.attention` works on every graph."""

    class SelfAttention(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.lin = nn.Linear(width, 3 * width)

        def forward(self, x, graph):
            q, k, v = self.lin(x).unsqueeze(1).chunk(3, dim=-1)
            return ga.attention(q, k, v, graph).squeeze(1)

    layer = SelfAttention(5).double()
    for graph in zoo().values():
        if graph.num_dst == graph.num_src and graph.num_src:
            x = torch.randn(graph.num_src, 5).double()
            assert_node_permutation_equivariant(layer, x, graph)
    cases = [(torch.randn(graph.num_dst, 5).double(), graph) for graph in (ga.complete(3), ga.causal(4))]
    assert_batch_equals_separate(layer, cases)
