import importlib.util

import pytest
import torch

import graphattn as ga
from graphattn.cli import doctor
from graphattn.cli.errors import USER_ERROR


def test_what_is_there_and_what_is_missing(invoke, monkeypatch):
    pytest.importorskip("numba")
    real = importlib.util.find_spec
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name == "pymetis" else real(name))
    result = invoke("doctor")
    assert result.exit_code == 0, result.stdout
    assert "missing  pymetis: partitions" in result.stdout and 'pip install "graphattn[scale]"' in result.stdout
    assert "agrees with the reference" in result.stdout


def test_a_wrong_answer_is_told(invoke, monkeypatch):
    real = ga.attention
    monkeypatch.setattr(ga, "attention", lambda *a, backend, **o: real(*a, **o) * (1 if backend == "reference" else 2))
    result = invoke("doctor")
    assert result.exit_code == 1 and "another answer than the reference" in result.stdout


def test_warmup(invoke, monkeypatch):
    asked = []
    monkeypatch.setattr(ga, "warmup", lambda *dtypes, device: asked.append((dtypes, device)))
    assert invoke("warmup", "--dtype", "bfloat16").exit_code == 0
    assert asked == [((torch.bfloat16,), "cpu")]
    result = invoke("warmup", "--dtype", "int8")
    assert result.exit_code == USER_ERROR and "--dtype is one of" in result.stderr
