"""The correspondence of our layers and PyG's by name; modules are imported on first use."""

import importlib

LAYERS = {
    "GATConv": "conv.gat",
    "GATv2Conv": "conv.gatv2",
    "TransformerConv": "conv.transformer",
    "SuperGATConv": "conv.supergat",
    "AGNNConv": "conv.agnn",
    "DenseGATConv": "conv.dense_gat",
    "GPSConv": "gps",
    "HGTConv": "conv.hgt",
    "HANConv": "conv.han",
    "RGATConv": "conv.rgat",
    "GeneralConv": "conv.general",
    "AttentionalAggregation": "aggr.attentional",
    "Set2Set": "aggr.set2set",
    "SetTransformerAggregation": "aggr.set_transformer",
    "GraphMultisetTransformer": "aggr.gmt",
    "GAT": "models.gat",
    "AttentiveFP": "models.attentive_fp",
}
"""Name of each layer, in both libraries, and its module in `graphattn.nn.pyg`."""


_INNER = {"GATEConv": "models.attentive_fp"}
"""The same for layers that are not public in either library."""


def load(name: str) -> type:
    """Our layer of this name."""
    module = LAYERS.get(name) or _INNER[name]
    return getattr(importlib.import_module(f"graphattn.nn.pyg.{module}"), name)


def ours_for(kind: type) -> type | None:
    """Our class for a class of PyG, or None."""
    name = kind.__name__
    return load(name) if _is_known(name) and kind is _theirs(name) else None


def theirs_for(kind: type) -> type | None:
    """PyG's class for one of ours, or None."""
    name = kind.__name__
    return _theirs(name) if _is_known(name) and kind is load(name) else None


def _is_known(name: str) -> bool:
    return name in LAYERS or name in _INNER


def _theirs(name: str) -> type:
    module = f"torch_geometric.nn.{_INNER[name]}" if name in _INNER else "torch_geometric.nn"
    return getattr(importlib.import_module(module), name)
