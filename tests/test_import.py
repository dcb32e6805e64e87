"""What `import graphattn` costs and needs, each in a fresh interpreter."""

import subprocess
import sys
import textwrap

import pytest

import graphattn as ga

HEAVY = "numba llvmlite triton rdkit lightning matplotlib pandas sklearn torch_geometric scipy networkx torch_scatter"
OPTIONAL = "numba triton rdkit lightning matplotlib pandas sklearn"
NOT_INSTALLED = f"""
    import sys
    sys.modules.update(dict.fromkeys({OPTIONAL.split()!r}))
"""
BROKEN = f"""
    import sys
    import torch  # whose builds for GPUs do not start without Triton

    class Refuse:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {OPTIONAL.split()!r}:
                raise ImportError(f"{{name}} is broken")

    sys.meta_path.insert(0, Refuse())
"""
USE_IT = """
    import warnings, torch
    import graphattn as ga
    x = torch.eye(3).unsqueeze(1)
    graph = ga.Graph(torch.tensor([[0, 1], [1, 2]]), 3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            out = ga.attention(x, x, x, graph)
    assert torch.equal(out, ga.attention(x, x, x, graph, backend="reference"))
    print(ga.explain_backend(x, x, x, graph).backend)
    for warning in caught:
        print(warning.category.__name__, warning.filename, warning.message)
"""


def run(*programs):
    """What a fresh interpreter prints, line by line."""
    source = "\n".join(textwrap.dedent(program) for program in programs)
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_import_loads_nothing_heavy_that_torch_does_not():
    (loaded,) = run(f"""
        import sys, torch
        before = set(sys.modules)
        import graphattn
        print(*sorted({{name.partition(".")[0] for name in set(sys.modules) - before}} & set("{HEAVY}".split())))
    """)
    assert loaded == ""


def test_numba_loads_with_the_first_call_that_it_serves():
    pytest.importorskip("numba")
    loaded = run("""
        import sys, torch
        import graphattn as ga
        x = torch.zeros(3, 1, 2)
        graph = ga.Graph(torch.tensor([[0], [1]]), 3)
        ga.attention(x, x, x, graph, backend="reference")
        print("numba" in sys.modules)
        ga.attention(x, x, x, graph)
        print("numba" in sys.modules)
    """)
    assert loaded == ["False", "True"]


def test_without_the_optional_libraries_the_reference_runs_and_says_so_once():
    backend, *warnings = run(NOT_INSTALLED, USE_IT)
    assert backend == "reference"
    assert len(warnings) == 1
    assert warnings[0].startswith("RuntimeWarning")
    assert "Numba is not installed" in warnings[0]


def test_the_warning_names_the_line_that_called():
    _, warning = run(NOT_INSTALLED, USE_IT)
    assert warning.split()[1] == "<string>"


def test_with_optional_libraries_that_fail_to_import_the_reference_runs_and_says_so_once():
    backend, *warnings = run(BROKEN, USE_IT)
    assert backend == "reference"
    assert len(warnings) == 1


def test_drop_in_layers_without_the_optional_libraries():
    pytest.importorskip("torch_geometric")
    outputs = run(
        NOT_INSTALLED,
        """
        import warnings, torch
        from graphattn.nn import GATConv, TransformerConv
        warnings.simplefilter("ignore")
        x, edge_index = torch.randn(3, 4), torch.tensor([[0, 1], [1, 2]])
        print(*GATConv(4, 5)(x, edge_index).shape)
        print(*TransformerConv(4, 5)(x, edge_index).shape)
        """,
    )
    assert outputs == ["3 5", "3 5"]


def test_from_smiles_without_rdkit_names_it():
    (message,) = run(
        NOT_INSTALLED,
        """
        import graphattn as ga
        try:
            ga.from_smiles
        except ImportError as error:
            print(error)
        """,
    )
    assert "rdkit" in message


def test_public_names():
    names = set(dir(ga))
    assert set(ga.__all__) <= names
    assert {"attention", "explain_backend", "merge", "State", "Graph", "nn", "scores", "normalizers"} <= names
    assert {"chem", "datasets", "models", "tasks", "testing"} <= names


@pytest.mark.parametrize("name", ga.__all__)
def test_every_public_name_is_there(name):
    if name == "from_smiles":
        pytest.importorskip("rdkit")
    assert getattr(ga, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'atention'"):
        ga.atention  # noqa: B018
