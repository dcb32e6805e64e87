"""What the operator's page of the manual lists."""

from pathlib import Path

import pytest

import graphattn as ga

PAGE = (Path(__file__).parents[2] / "docs" / "api" / "ops.rst").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["attention", "explain_backend", "warmup", "tune", "merge"])
def test_every_function_of_the_operator_is_there_with_a_docstring(name):
    assert f".. autofunction:: {name}\n" in PAGE
    assert "Args:" in getattr(ga, name).__doc__ or "Returns:" in getattr(ga, name).__doc__
