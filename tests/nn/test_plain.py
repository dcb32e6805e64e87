"""A module inside a layer that was changed in any way is run, with PyG's numbers, and not read past."""

import copy

import pytest
import torch
from changed_modules import WAYS, LowRank, Scaled, changed, hook, offload, parametrize, prune, replace_forward
from torch import nn
from torch.nn.modules import module as of_all
from torch.testing import assert_close

import graphattn as ga
from graphattn.nn.plain import is_plain, is_untouched

LINKS = ("a", "to", "a"), ("a", "by", "a")
WIDTH, HEADS, EDGE = 8, 2, 3


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float64)


def edges(nodes, count):
    return torch.randint(nodes, (2, count))


def graph(nodes=20):
    return lambda: (numbers(nodes, WIDTH), edges(nodes, 3 * nodes))


def with_features():
    return *graph()(), numbers(60, EDGE)


def sets():
    return numbers(20, WIDTH), torch.arange(20) // 7


def kinds():
    return {"a": numbers(20, WIDTH)}, {link: edges(20, 60) for link in LINKS}


METADATA = (["a"], list(LINKS))
CASES = {
    "GATConv": (lambda s: s.GATConv(WIDTH, 4, HEADS), ["lin"], graph()),
    "GATConv, large": (lambda s: s.GATConv(WIDTH, 8, HEADS), ["lin"], graph(6007)),
    "GATConv, features": (
        lambda s: s.GATConv(WIDTH, 4, edge_dim=EDGE, residual=True),
        ["lin_edge", "res"],
        with_features,
    ),
    "GATv2Conv": (lambda s: s.GATv2Conv(WIDTH, 4, edge_dim=EDGE), ["lin_l", "lin_r", "lin_edge"], with_features),
    "TransformerConv": (
        lambda s: s.TransformerConv(WIDTH, 4, HEADS, edge_dim=EDGE, beta=True),
        ["lin_query", "lin_key", "lin_value", "lin_edge", "lin_skip", "lin_beta"],
        with_features,
    ),
    "SuperGATConv": (lambda s: s.SuperGATConv(WIDTH, 4), ["lin"], graph()),
    "GeneralConv": (
        lambda s: s.GeneralConv(WIDTH, 4, EDGE, attention=True, directed_msg=False),
        ["lin_msg", "lin_msg_i", "lin_edge", "lin_self"],
        with_features,
    ),
    "GeneralConv, products": (
        lambda s: s.GeneralConv(WIDTH, 4, attention=True, attention_type="dot_product"),
        ["lin_msg"],
        graph(),
    ),
    "HGTConv": (
        lambda s: s.HGTConv(WIDTH, 4, METADATA, HEADS),
        ["kqv_lin.lins.a", "out_lin.lins.a", "k_rel", "v_rel"],
        kinds,
    ),
    "HANConv": (lambda s: s.HANConv(WIDTH, 4, METADATA, HEADS), ["proj.a", "k_lin"], kinds),
    "GPSConv": (lambda s: s.GPSConv(WIDTH, None, HEADS), ["attn", "mlp.0"], lambda: (sets()[0], None, sets()[1])),
    "GPSConv, performer": (
        lambda s: s.GPSConv(WIDTH, None, HEADS, attn_type="performer"),
        ["attn.q", "attn.k", "attn.v", "attn.attn_out"],
        lambda: (sets()[0], None, torch.zeros(20, dtype=torch.int64)),
    ),
    "SetTransformerAggregation": (
        lambda s: s.aggr.SetTransformerAggregation(WIDTH, 2, heads=HEADS),
        ["encoders.0.mab.attn", "encoders.0.mab.lin", "pma.mab.attn", "pma.lin", "decoders.0.mab.attn"],
        sets,
    ),
    "GraphMultisetTransformer": (
        lambda s: s.aggr.GraphMultisetTransformer(WIDTH, 3, heads=HEADS),
        ["pma1.mab.attn", "pma1.lin", "encoders.0.mab.attn", "pma2.mab.attn"],
        sets,
    ),
    "AttentiveFP": (
        lambda s: s.AttentiveFP(WIDTH, 4, 2, EDGE, 2, 2),
        ["lin1", "gate_conv.lin1", "gate_conv.lin2", "atom_convs.0.lin", "mol_conv.lin"],
        lambda: (*with_features(), torch.arange(20) // 7),
    ),
}
PLACES = [(name, place) for name, (_, places, _) in CASES.items() for place in places]
BLOCKS = [
    ("SetTransformerAggregation", "encoders.0"),
    ("SetTransformerAggregation", "encoders.0.mab"),
    ("SetTransformerAggregation", "pma"),
    ("SetTransformerAggregation", "pma.mab"),
    ("SetTransformerAggregation", "decoders.0"),
    ("GraphMultisetTransformer", "pma1"),
    ("GraphMultisetTransformer", "encoders.0.mab"),
    ("GraphMultisetTransformer", "pma2"),
    ("GPSConv, performer", "attn"),
    ("GPSConv, performer", "attn.fast_attn"),
    ("HGTConv", "kqv_lin"),
    ("HGTConv", "out_lin"),
]


def twins(name):
    theirs = pytest.importorskip("torch_geometric.nn")
    make = CASES[name][0]
    torch.manual_seed(0)
    mine, pygs = make(_Ours).double().eval(), make(theirs).double().eval()
    mine.load_state_dict(pygs.state_dict())
    return mine, pygs


class _Ours:
    """Our layers by their names, the aggregations as in PyG."""

    def __getattr__(self, name):
        return ga.nn if name == "aggr" else getattr(ga.nn, name)


_Ours = _Ours()


def outputs(pair, args):
    with torch.no_grad():
        return [layer(*copy.deepcopy(args)) for layer in pair]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize(("name", "place"), PLACES)
def test_a_changed_module_is_run(name, place, way):
    pair = twins(name)
    args = CASES[name][2]()
    before = outputs(pair, args)
    assert_close(*before)
    if way in (parametrize, prune) and not _has_weight(pair[0].get_submodule(place)):
        pytest.skip("has no weights of its own")
    for layer in pair:
        way(layer.get_submodule(place))
        assert not is_untouched(layer.get_submodule(place)) or way is parametrize
    after = outputs(pair, args)
    assert_close(*after)
    if way is not offload:
        with pytest.raises(AssertionError):
            assert_close(after[0], before[0])


def _has_weight(module):
    return any("bias" not in name for name, _ in module.named_parameters(recurse=False))


@pytest.mark.parametrize("way", [replace_forward, hook])
@pytest.mark.parametrize(("name", "place"), BLOCKS)
def test_a_changed_block_is_run(name, place, way):
    pair = twins(name)
    args = CASES[name][2]()
    for layer in pair:
        way(layer.get_submodule(place))
    assert_close(*outputs(pair, args))


@pytest.mark.parametrize("wrap", [LowRank, lambda linear: _as(Scaled, linear)], ids=["low rank", "subclass"])
@pytest.mark.parametrize(
    ("name", "place"), [place for place in PLACES if ".attn" not in place[1] and "_rel" not in place[1]]
)
def test_another_class_in_the_place_of_a_linear_map_is_run(name, place, wrap):
    if place == "attn":
        pytest.skip("is no linear map")
    pair = twins(name)
    args = CASES[name][2]()
    for layer in pair:
        parent, _, last = place.rpartition(".")
        setattr(layer.get_submodule(parent), last, wrap(layer.get_submodule(place)))
    assert_close(*outputs(pair, args))


def _as(kind, linear):
    made = kind(linear.weight.shape[1], linear.weight.shape[0], linear.bias is not None, dtype=linear.weight.dtype)
    made.load_state_dict(linear.state_dict())
    return made


@pytest.mark.parametrize("name", CASES)
def test_hooks_on_all_modules_are_run(name):
    pair = twins(name)
    args = CASES[name][2]()
    kinds = "Linear", "MultiheadAttention", "HeteroLinear", "SetAttentionBlock"
    handle = of_all.register_module_forward_hook(
        lambda module, args, out: changed(out) if type(module).__name__ in kinds else None
    )
    try:
        assert_close(*outputs(pair, args))
    finally:
        handle.remove()


@pytest.mark.parametrize("name", CASES)
def test_a_hook_on_gradients_is_run(name):
    mine, _ = twins(name)
    place = (
        "pma.mab.attn" if name == "SetTransformerAggregation" else CASES[name][1][0]
    )  # PyG's encoder cannot have one
    seen = []
    mine.get_submodule(place).register_full_backward_hook(lambda module, inputs, outputs: seen.append(len(outputs)))
    for value in CASES[name][2]()[:1]:
        x = (
            {kind: rows.requires_grad_() for kind, rows in value.items()}
            if isinstance(value, dict)
            else value.requires_grad_()
        )
    args = (x, *CASES[name][2]()[1:])
    out = mine(*args)
    sum(rows.square().sum() for rows in (out.values() if isinstance(out, dict) else [out])).backward()
    assert seen


def test_every_way_of_changing_a_module_is_seen():
    linear = nn.Linear(2, 3)
    assert is_plain(linear) and is_plain(linear, nn.Linear) and not is_plain(linear, nn.Embedding)
    assert not is_plain(None) and not is_plain(nn.Identity()) and not is_plain(Scaled(2, 3))
    for way in [*WAYS, torch.nn.utils.weight_norm, torch.nn.utils.parametrizations.spectral_norm]:
        other = copy.deepcopy(linear)
        way(other)
        assert not is_plain(other), way
    for register in (
        linear.register_forward_hook, linear.register_forward_pre_hook, linear.register_full_backward_hook,
        linear.register_full_backward_pre_hook, of_all.register_module_forward_hook,
        of_all.register_module_forward_pre_hook, of_all.register_module_full_backward_hook,
        of_all.register_module_full_backward_pre_hook,
    ):  # fmt: skip
        handle = register(lambda *args: None)
        assert not is_plain(linear), register
        handle.remove()
        assert is_plain(linear), register
    linear.register_state_dict_post_hook(lambda *args: None)
    linear.register_load_state_dict_post_hook(lambda *args: None)
    assert is_plain(linear)


def test_a_forward_replaced_in_the_class_is_seen(monkeypatch):
    linear = nn.Linear(2, 3)
    monkeypatch.setattr(nn.Linear, "forward", lambda self, x: x)
    assert not is_plain(linear)
    monkeypatch.undo()
    assert is_plain(linear)


def test_weights_of_a_kind_of_their_own_are_seen():
    class Quantized(torch.Tensor):
        pass

    linear = nn.Linear(2, 3)
    linear.weight = nn.Parameter(torch.randn(3, 2).as_subclass(Quantized))
    assert not is_plain(linear)


def test_a_compiled_module_is_run():
    linear = nn.Linear(2, 3)
    linear.compile(backend="eager")
    assert not is_plain(linear)


@pytest.mark.parametrize("score", ["dot", "sum"])
def test_edge_maps_of_attention_are_run(score):
    torch.manual_seed(0)
    layer = ga.nn.MultiheadAttention(WIDTH, HEADS, edge_dim=EDGE, score=score).double().eval()
    graph, x = ga.window(7, 2), numbers(7, WIDTH)
    edge_attr = numbers(graph.num_edges, EDGE)
    doubled = copy.deepcopy(layer)
    with torch.no_grad():
        doubled.edge_proj.weight.mul_(1.5)
    replace_forward(layer.edge_proj)
    assert_close(layer(x, graph, edge_attr=edge_attr), doubled(x, graph, edge_attr=edge_attr))


@pytest.mark.parametrize("way", [replace_forward, hook, offload])
@pytest.mark.parametrize("place", ["attention", "cross_attention"])
def test_a_decoder_writes_step_by_step_with_changed_attention(place, way):
    torch.manual_seed(0)
    own = ga.nn.MultiheadAttention(WIDTH, HEADS, rotary=ga.nn.positions.Rotary(WIDTH // HEADS))
    layer = ga.nn.TransformerDecoderLayer(WIDTH, HEADS, attention=own)
    decoder = ga.nn.TransformerDecoder([layer]).double().eval()
    way(layer.get_submodule(place))
    x, memory = numbers(5, WIDTH), numbers(7, WIDTH)
    whole = decoder(x, ga.causal([3, 2]), memory, ga.bipartite([3, 2], [4, 3]))
    out, state = decoder.step(x[[0, 1, 3]], decoder.start(memory, [4, 3]), (2, 1))
    assert_close(out, whole[[0, 1, 3]])
    out, state = decoder.step(x[[2, 4]], state)
    assert_close(out, whole[[2, 4]])


@pytest.mark.parametrize("way", [replace_forward, offload])
def test_a_changed_embedding_scores_tokens_with_what_it_gives(way):
    torch.manual_seed(0)
    decoder = ga.nn.TokenDecoder(11, WIDTH, HEADS, 1, cross=False).double().eval()
    same = copy.deepcopy(decoder)
    if way is replace_forward:
        with torch.no_grad():
            same.embedding.weight.mul_(1.5)
    way(decoder.embedding)
    tokens = torch.tensor([3, 1, 10])
    assert_close(decoder(tokens, [3]), same(tokens, [3]))


def test_weights_elsewhere_are_no_reason_to_refuse_features():
    conv = ga.nn.GATConv(WIDTH, 4).double()
    with torch.no_grad():
        want = conv(*graph()())
    offload(conv.lin)
    assert conv.lin.weight.device.type == "meta"
    with torch.no_grad():
        assert conv(*graph()()).shape == want.shape
