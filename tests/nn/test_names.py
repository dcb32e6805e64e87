"""What graphattn.nn exports: layers; records and functions are in its folders, and old names say so."""

import inspect
from pathlib import Path

import pytest
import torch

import graphattn as ga

FOLDERS = ["efficient", "functional", "generation", "heads", "positions", "recurrent", "transformer", "vision"]
MOVED = {
    "functional": (
        "elu_features", "gumbel_softmax", "log_probability", "mask_tokens", "normalize_edges", "sample_edges",
        "straight_through", "weighted_sum",
    ),
    "recurrent": ("Aligned", "Decoded", "DecoderState", "Encoded", "Source", "TuringState"),
    "transformer": ("KeyValueCache",),
}  # fmt: skip


def test_nn_exports_layers_folders_and_conversions():
    pytest.importorskip("torch_geometric")
    others = {name for name in ga.nn.__all__ if not _is_layer(getattr(ga.nn, name))}
    assert others == {*FOLDERS, "from_pyg_layer", "from_torch"}


def _is_layer(value):
    return inspect.isclass(value) and issubclass(value, torch.nn.Module)


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_folder_has_a_sentence_and_exports_its_names(folder):
    module = getattr(ga.nn, folder)
    assert module.__doc__.splitlines()[0].endswith(".")
    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize(("folder", "name"), [(folder, name) for folder in MOVED for name in MOVED[folder]])
def test_old_names_say_where_they_are_now(folder, name):
    with pytest.warns(DeprecationWarning, match=rf"graphattn\.nn\.{name}.*graphattn\.nn\.{folder}\.{name}") as caught:
        found = getattr(ga.nn, name)
    assert found is getattr(getattr(ga.nn, folder), name)
    assert caught[0].filename == __file__


def test_a_graph_and_a_layer_made_of_pygs_have_names_of_their_own():
    pytest.importorskip("torch_geometric")
    with pytest.warns(DeprecationWarning, match="from_pyg_layer"):
        assert ga.nn.from_pyg is ga.nn.from_pyg_layer
    with pytest.raises(AttributeError, match="has no attribute 'from_pig'"):
        ga.nn.from_pig  # noqa: B018


def test_pyg_is_imported_in_its_folder_alone():
    package = Path(ga.__file__).parent
    importing = {
        file.relative_to(package).parts[:2]
        for part in ("nn", "models")
        for file in (package / part).rglob("*.py")
        if "import torch_geometric" in (text := file.read_text()) or "from torch_geometric" in text
    }
    assert importing == {("nn", "pyg")}
