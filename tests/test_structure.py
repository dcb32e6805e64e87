"""The structure of the code: who imports whom, what is documented, and which file tests which."""

import ast
import importlib
import inspect
import re
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE, TESTS = ROOT / "graphattn", ROOT / "tests"
SOURCES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
TEST_FILES = sorted(path.relative_to(TESTS).as_posix() for path in TESTS.rglob("*.py"))

PUBLIC = ["", "chem", "datasets", "graph", "models", "nn", "nn.functional", "nn.recurrent", "nn.positions",
          "nn.generation", "tasks.molecule"]  # fmt: skip
"""The modules whose `__all__` is public."""

LONGEST_SOURCE, LONGEST_TEST = 320, 400  # lines
LONG = {
    "graph/graph.py": "one class, and half of it docstrings",
    "ops/numba/scores.py": "a function for each score and pass, side by side",
    "ops/numba/vector.py": "one instruction after another",
    "tasks/molecule/fitting.py": "the steps of a training, one after another",
    "tasks/molecule/predictor.py": "one class, and half of it docstrings",
    "tasks/molecule/report.py": "the parts of the page, one after another",
    "tasks/network/picture.py": "one picture in four formats",
}

TOGETHER = {
    "bench/*": ("benchmarks/test_run.py", "one measurement passes through all of them"),
    "chem/multihot.py": ("chem/test_atoms.py", "the base of atom and bond features"),
    "cli/*": ("cli/test_main.py", "the command as a whole"),
    "datasets/*_card.py": ("datasets/test_catalog.py", "records"),
    "datasets/data_file.py": ("datasets/test_fetch.py", "a record"),
    "datasets/[fmv]*.py": ("datasets/test_sequences_and_images.py", "one reader each"),
    "datasets/heterophilous.py": ("datasets/test_networks.py", "a reader of named networks"),
    "datasets/network_*.py": ("datasets/test_networks.py", "records"),
    "datasets/planetoid.py": ("datasets/test_networks.py", "a reader of named networks"),
    "datasets/restricted_pickle.py": ("datasets/test_networks.py", "a reader of named networks"),
    "datasets/twitch.py": ("datasets/test_networks.py", "a reader of named networks"),
    "distributed/agree.py": ("distributed/test_partition.py", "what every process hears"),
    "distributed/exchange.py": ("distributed/test_attention.py", "the messages of attention"),
    "distributed/heads.py": ("distributed/test_attention.py", "one of its exchanges"),
    "distributed/part.py": ("distributed/test_partition.py", "what partition returns"),
    "folders.py": ("datasets/test_fetch.py", "one function"),
    "graph/checks.py": ("graph/test_graph.py", "the errors of its arguments"),
    "graph/export.py": ("graph/test_convert.py", "there and back"),
    "graph/native.py": ("ops/numba/test_lists.py", "the functions that are registered there"),
    "graph/points.py": ("graph/test_knn.py", "the errors of knn, radius and lsh"),
    "graph/traced.py": ("graph/test_cache.py", "the graph inside compiled programs"),
    "loader/hash_table.py": ("loader/test_sampler.py", "the numbers of sampled nodes"),
    "loader/k*.py": ("loader/test_sampler.py", "kernels, and what is known of their results"),
    "loader/sample.py": ("loader/test_sampler.py", "what the sampler does, without PyG"),
    "tasks/common/excel.py": ("tasks/molecule/test_tables.py", "a kind of table"),
    "tasks/common/opening.py": ("tasks/network/test_formats.py", "packed and cut files"),
    "tasks/common/parquet.py": ("tasks/molecule/test_tables.py", "a kind of table"),
    "tasks/common/errors.py": ("tasks/network/test_bad_input.py", "classes without more"),
    "tasks/common/quiet.py": ("tasks/molecule/test_training.py", "a training that can be heard"),
    "tasks/network/formats/*": ("tasks/network/test_formats.py", "every format alike"),
    "tasks/network/[ei]*.py": ("tasks/network/test_bad_input.py", "ids and edges, and what may be wrong with them"),
    "models/p*_network.py": ("cli/test_label_items.py", "trained by the command"),
    "tasks/network/base.py": ("tasks/network/test_classifier.py", "what all predictors share"),
    "tasks/network/graphs/*": ("cli/test_label_items.py", "the command as a whole"),
    "tasks/network/links/*": ("cli/test_label_items.py", "the command as a whole"),
    "tasks/network/run_items.py": ("cli/test_label_items.py", "the command as a whole"),
    "tasks/network/smoothing.py": ("tasks/network/test_classifier.py", "one of those who answer"),
    "tasks/network/leakage.py": ("tasks/network/test_bad_input.py", "a remark of reading"),
    "tasks/network/figures.py": ("cli/test_label.py", "the page as a whole"),
    "tasks/network/report.py": ("cli/test_label.py", "the page as a whole"),
    "tasks/network/run.py": ("cli/test_label.py", "the command as a whole"),
    "tasks/network/[cns]o*.py": ("tasks/network/test_read_tables.py", "steps of reading"),
    "tasks/network/network.py": ("tasks/network/test_read_tables.py", "a record"),
    "tasks/network/r[eo]*.py": ("tasks/network/test_bad_input.py", "steps of reading, and what they leave out"),
    "tasks/network/target.py": ("tasks/network/test_bad_input.py", "labels, and what may be wrong with them"),
    "tasks/network/values.py": ("tasks/network/test_read_tables.py", "steps of reading"),
    "tasks/network/fit_rivals.py": ("tasks/network/test_rivals.py", "fitted, then asked"),
    "tasks/network/labels_table.py": ("tasks/network/test_classifier.py", "what fit gives"),
    "tasks/network/measured.py": ("tasks/network/test_classifier.py", "what fit gives"),
    "tasks/network/node_inputs.py": ("tasks/network/test_features.py", "a record"),
    "tasks/network/predictor.py": ("tasks/network/test_classifier.py", "its base"),
    "tasks/network/reading.py": ("tasks/network/test_reading_alike.py", "from tables to labels"),
    "tasks/network/storage.py": ("tasks/network/test_saved.py", "there and back"),
    "tasks/network/training.py": ("tasks/network/test_classifier.py", "what fit gives"),
    "ops/numba/generated.py": ("ops/test_custom_score.py", "kernels of scores of one's own"),
    "ops/symbol*.py": ("ops/test_expression.py", "what writes expressions down"),
    "viz/*": ("viz/test_viz.py", "each drawn once"),
    "nn/checks.py": ("nn/test_shapes.py", "the errors of every layer"),
    "nn/functional/elu.py": ("nn/test_feature_maps.py", "a map of features"),
    "nn/positions/*": ("nn/positions/test_paths.py", "every encoding alike"),
    "nn/pyg/*": ("nn/test_namesakes.py", "every layer against PyG's"),
    "nn/transformer/*": ("nn/transformer/test_decoder.py", "parts of the decoder"),
    "nn/vision/*": ("nn/vision/test_cbam.py", "every block alike"),
    "ops/*.py": ("ops/test_dispatch.py", "what backends share, tested through them"),
    "ops/block/flex.py": ("ops/block/test_backend.py", "the backend's way on a GPU"),
    "ops/numba/*": ("ops/lowering/test_options.py", "the kernels through the operator"),
    "ops/triton/*": ("ops/triton/test_variants.py", "the kernels through the operator"),
    "tasks/molecule/*": ("tasks/molecule/test_predictor.py", "steps of fitting"),
}
"""Source files without a test file of their own, the file that tests them, and why."""


def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def public_names():
    for package in PUBLIC:
        module = importlib.import_module(".".join(filter(None, ["graphattn", package])))
        for name in getattr(module, "__all__", ()):
            if not name.startswith("__"):
                yield pytest.param(module, name, id=f"{module.__name__}.{name}")


@cache
def documented():
    """What the API pages describe."""
    found = []
    for page in (ROOT / "docs" / "api").glob("*.rst"):
        module = ""
        for kind, name in re.findall(
            r"^ *\.\. (currentmodule|auto\w+):: (\S+)$", page.read_text("utf-8"), re.MULTILINE
        ):
            if kind == "currentmodule":
                module = name
            else:
                found.append(resolve(name if name.startswith("graphattn") else f"{module}.{name}"))
    return found


def resolve(name):
    """The object of a dotted name; packages are imported as needed."""
    head, _, last = name.rpartition(".")
    try:
        return getattr(resolve(head), last) if head else importlib.import_module(name)
    except AttributeError:
        return importlib.import_module(name)


def test_imports_are_as_pyproject_allows(capsys):
    """No circles in any package, only allowed arrows between the folders of nn and of ops, PyG in one folder of nn."""
    cli = pytest.importorskip("importlinter.cli")
    assert cli.lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0, capsys.readouterr().out


def test_no_file_imports_itself_through_others():
    grimp, networkx = pytest.importorskip("grimp"), pytest.importorskip("networkx")
    graph = grimp.build_graph("graphattn", cache_dir=None)
    arrows = networkx.DiGraph(
        (module, imported) for module in graph.modules for imported in graph.find_modules_directly_imported_by(module)
    )
    assert [sorted(circle) for circle in networkx.strongly_connected_components(arrows) if len(circle) > 1] == []


@pytest.mark.parametrize("module, name", public_names())
def test_every_public_name_is_documented(module, name):
    """It is described in docs/api, or, where it is a module with an `__all__`, its names are."""
    thing = getattr(module, name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert inspect.getdoc(thing)
    assert inspect.ismodule(thing) or any(thing is each for each in documented()), f"{name} is not in docs/api"


@pytest.mark.parametrize("source", [source for source in SOURCES if source.endswith("__init__.py")])
def test_every_package_says_what_it_is(source):
    face = ast.get_docstring(parse(PACKAGE / source))
    assert face and face.splitlines()[0].endswith("."), "the first line is one sentence"


def test_no_file_is_too_long():
    """One file holds one idea."""
    lengths = {source: len((PACKAGE / source).read_text("utf-8").splitlines()) for source in SOURCES}
    assert {source for source, lines in lengths.items() if lines > LONGEST_SOURCE} == set(LONG)
    lengths = {test: len((TESTS / test).read_text("utf-8").splitlines()) for test in TEST_FILES}
    assert {test: lines for test, lines in lengths.items() if lines > LONGEST_TEST} == {}


def has_behavior(source):
    return any(isinstance(each, ast.FunctionDef | ast.ClassDef) for each in parse(PACKAGE / source).body)


def test_each_source_file_has_its_test_file():
    """`graphattn/a/b.py` is tested by `tests/a/test_b.py`, or together with others as `TOGETHER` says."""
    missing = set()
    for source in SOURCES:
        folder, _, name = source.rpartition("/")
        if name.startswith("__") or not has_behavior(source):
            continue
        folder = folder.replace("bench", "benchmarks", 1) if folder.startswith("bench") else folder
        if f"{folder}/test_{name}".lstrip("/") not in TEST_FILES:
            missing.add(source)
    together = {source for source in missing if any(fnmatch(source, pattern) for pattern in TOGETHER)}
    assert sorted(missing - together) == []
    assert [pattern for pattern in TOGETHER if not any(fnmatch(source, pattern) for source in missing)] == []
    assert [test for test, _ in TOGETHER.values() if test not in TEST_FILES] == []
