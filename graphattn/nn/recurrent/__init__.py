"""Recurrent encoders and decoders, and the attention between them."""
