import doctest
import importlib
import pkgutil

import pytest

import graphattn.chem
import graphattn.datasets

MODULES = [
    f"{package.__name__}.{module.name}"
    for package in (graphattn.chem, graphattn.datasets)
    for module in pkgutil.iter_modules(package.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples():
    assert sum(doctest.testmod(importlib.import_module(name)).attempted for name in MODULES) > 12
