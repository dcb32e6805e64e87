"""The block backend."""
