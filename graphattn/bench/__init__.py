"""Benchmarks: the operator against other ways to compute the same, side by side in one run.

What is measured (`graphs`, `case`), who takes part (`contenders`), how one call is measured (`measure`) in a fresh
process (`process`, `child`), what else is measured (`probes`, `scaling`), and what comes of it (`result`, `summary`,
`goals`, `tables`, `plot`).
"""
