import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import graphattn.graph

MODULES = [f"graphattn.graph.{module.name}" for module in pkgutil.iter_modules(graphattn.graph.__path__)]


@pytest.mark.parametrize("name", [*MODULES, "graphattn.testing"])
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_importing_it_needs_torch_alone():
    program = (
        "import sys, graphattn.graph; "
        "print({'scipy.sparse', 'networkx', 'torch_geometric', 'numba', 'pandas', 'rdkit'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
