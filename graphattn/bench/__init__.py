"""Benchmarks: the operator against other ways to compute the same, side by side in one run."""
