import doctest
import importlib
import pkgutil

import pytest

import graphattn.models
import graphattn.nn
import graphattn.nn.generation
import graphattn.nn.positions
import graphattn.ops

MODULES = [
    f"{package.__name__}.{module.name}"
    for package in (graphattn.ops, graphattn.nn, graphattn.nn.generation, graphattn.nn.positions, graphattn.models)
    for module in pkgutil.iter_modules(package.__path__)
    if not module.ispkg
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", ["attention", "state"])
def test_the_operator_has_examples(name):
    assert doctest.testmod(importlib.import_module(f"graphattn.ops.{name}")).attempted > 0
