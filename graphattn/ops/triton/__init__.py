"""Fused attention on GPUs, compiled by Triton when first called."""

import triton

if tuple(map(int, triton.__version__.split(".")[:2])) < (3, 5):
    raise ImportError(f"Triton {triton.__version__} is older than 3.5")
