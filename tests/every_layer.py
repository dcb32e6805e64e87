"""Each layer, small, with arguments of any number of nodes and edges: what traces and fake tensors are tried on."""

import torch

import graphattn as ga

IN, OUT, HEADS, EDGE, RELATIONS, SETS = 8, 4, 2, 3, 3, 4
LINK = ("a", "to", "a")
KINDS = (["a"], [LINK])


def edges(nodes, count):
    """Random edges, with self-loops among them, one of them twice."""
    made = torch.randint(nodes, (2, count))
    made[:, :3] = torch.tensor([1, 1, 2])
    return made


def plain(nodes, count):
    return torch.randn(nodes, IN), edges(nodes, count)


def with_features(nodes, count):
    return *plain(nodes, count), torch.randn(count, EDGE)


def with_types(nodes, count):
    return *plain(nodes, count), torch.randint(RELATIONS, (count,))


def sets(nodes):
    return torch.arange(nodes) * SETS // nodes


def with_batch(nodes, count):
    return *plain(nodes, count), sets(nodes)


def with_both(nodes, count):
    return *with_features(nodes, count), sets(nodes)


def of_kinds(nodes, count):
    return {"a": torch.randn(nodes, IN)}, {LINK: edges(nodes, count)}


def in_sets(nodes, count):
    return torch.randn(nodes, IN), sets(nodes), None, SETS


def pooled(nodes, count):
    return torch.randn(nodes, IN), sets(nodes), SETS


class OnComplete(torch.nn.Module):
    """A layer of the house on all pairs of the nodes it is given."""

    def __init__(self, layer, kind):
        super().__init__()
        self.layer, self.kind = layer, kind

    def forward(self, x):
        return self.layer(x, self.kind(x.shape[0], device=x.device))


def nodes_alone(nodes, count):
    return (torch.randn(nodes, IN),)


def attention(**options):
    return lambda: ga.nn.MultiheadAttention(IN, HEADS, **options)


def gps(conv=True, **options):
    return lambda: ga.nn.GPSConv(IN, ga.nn.GATConv(IN, IN) if conv else None, HEADS, **options)


DROP_INS = {
    "GATConv": (lambda: ga.nn.GATConv(IN, OUT, HEADS), plain),
    "GATConv, edge features": (lambda: ga.nn.GATConv(IN, OUT, HEADS, edge_dim=EDGE), with_features),
    "GATConv, other flow": (lambda: ga.nn.GATConv(IN, OUT, HEADS, flow="target_to_source"), plain),
    "GATv2Conv": (lambda: ga.nn.GATv2Conv(IN, OUT, HEADS, edge_dim=EDGE), with_features),
    "TransformerConv": (lambda: ga.nn.TransformerConv(IN, OUT, HEADS, beta=True), plain),
    "TransformerConv, edge features": (lambda: ga.nn.TransformerConv(IN, OUT, HEADS, edge_dim=EDGE), with_features),
    "SuperGATConv": (lambda: ga.nn.SuperGATConv(IN, OUT, HEADS), plain),
    "AGNNConv": (lambda: ga.nn.AGNNConv(), plain),
    "GPSConv": (gps(), with_batch),
    "GPSConv, one graph": (gps(), plain),
    "GPSConv, performer": (gps(conv=False, attn_type="performer"), with_batch),
    "HGTConv": (lambda: ga.nn.HGTConv(IN, 2 * OUT, KINDS, HEADS), of_kinds),
    "HANConv": (lambda: ga.nn.HANConv(IN, 2 * OUT, KINDS, HEADS), of_kinds),
    "RGATConv": (lambda: ga.nn.RGATConv(IN, OUT, RELATIONS, heads=HEADS), with_types),
    "RGATConv, within": (
        lambda: ga.nn.RGATConv(IN, OUT, RELATIONS, attention_mechanism="within-relation"),
        with_types,
    ),
    "GeneralConv": (lambda: ga.nn.GeneralConv(IN, OUT, attention=True, heads=HEADS), plain),
    "AttentionalAggregation": (lambda: ga.nn.AttentionalAggregation(torch.nn.Linear(IN, 1)), in_sets),
    "Set2Set": (lambda: ga.nn.Set2Set(IN, 2), in_sets),
    "SetTransformerAggregation": (lambda: ga.nn.SetTransformerAggregation(IN, 3, heads=HEADS), in_sets),
    "GraphMultisetTransformer": (lambda: ga.nn.GraphMultisetTransformer(IN, 2, heads=HEADS), in_sets),
    "GAT": (lambda: ga.nn.GAT(IN, IN, 2, OUT, heads=HEADS), plain),
    "AttentiveFP": (lambda: ga.nn.AttentiveFP(IN, IN, OUT, EDGE, 2, 2), with_both),
}
"""Layers that PyG has too, by the name of the class."""

OWN = {
    "MultiheadAttention": (attention(), plain),
    "MultiheadAttention, additive": (attention(score="additive"), plain),
    "MultiheadAttention, cosine": (attention(score="cosine"), plain),
    "MultiheadAttention, sum": (attention(score="sum"), plain),
    "MultiheadAttention, entmax15": (attention(normalize="entmax15"), plain),
    "MultiheadAttention, shared keys": (attention(num_kv_heads=1), plain),
    "TransformerEncoder": (
        lambda: ga.nn.TransformerEncoder([ga.nn.GraphTransformerLayer(IN, HEADS, edge_dim=EDGE) for _ in range(2)]),
        with_features,
    ),
    "GraphTransformerLayer": (lambda: ga.nn.GraphTransformerLayer(IN, HEADS), plain),
    "GPSLayer": (lambda: ga.nn.GPSLayer(IN, HEADS, ga.nn.GATConv(IN, IN)), plain),
    "AttentionPooling": (lambda: ga.nn.AttentionPooling(IN, HEADS), pooled),
    "GraphHead": (lambda: ga.nn.GraphHead(IN, OUT), plain),
    "complete": (lambda: OnComplete(ga.nn.MultiheadAttention(IN, HEADS), ga.complete), nodes_alone),
    "causal": (lambda: OnComplete(ga.nn.GraphTransformerLayer(IN, HEADS), ga.causal), nodes_alone),
}
"""Layers of the house."""
