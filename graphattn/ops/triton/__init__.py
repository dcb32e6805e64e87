"""Fused attention on GPUs, compiled by Triton when first called."""
