"""Attention whose cost grows more slowly than with the square of the length."""
