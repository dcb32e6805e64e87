"""Attention over the channels, places and patches of images."""
