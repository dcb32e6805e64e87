"""Fused attention on CPUs, compiled by Numba when first called."""
