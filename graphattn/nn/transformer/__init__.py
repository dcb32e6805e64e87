"""Transformer layers: encoder, decoders, their cache of keys and values, and conversion from PyTorch's."""
