"""Benchmarks: the operator against other ways to compute the same, side by side in one run."""

from graphattn.bench.case import CASES, Case
from graphattn.bench.run import Result, environment, run

__all__ = ["CASES", "Case", "Result", "environment", "run"]
