"""Which of our layers stands for which of PyG's, by name; both are imported when asked for."""

import importlib

LAYERS = {
    "GATConv": "conv.gat",
    "GATv2Conv": "conv.gatv2",
    "TransformerConv": "conv.transformer",
    "SuperGATConv": "conv.supergat",
    "AGNNConv": "conv.agnn",
    "GPSConv": "gps",
    "HGTConv": "conv.hgt",
    "HANConv": "conv.han",
    "RGATConv": "conv.rgat",
    "GeneralConv": "conv.general",
}
"""Name of the layer, here and in `torch_geometric.nn`, and the module here that it is in."""


def load(name: str) -> type:
    """Our layer of that name."""
    return getattr(importlib.import_module(f"graphattn.nn.{LAYERS[name]}"), name)


def ours_for(kind: type) -> type | None:
    """Our class for one of PyG's, None where there is none."""
    return load(kind.__name__) if kind.__name__ in LAYERS and kind is _theirs(kind.__name__) else None


def theirs_for(kind: type) -> type | None:
    """PyG's class for one of ours, None where there is none."""
    return _theirs(kind.__name__) if kind.__name__ in LAYERS and kind is load(kind.__name__) else None


def _theirs(name: str) -> type:
    import torch_geometric.nn

    return getattr(torch_geometric.nn, name)
