"""PyG's graph attention layers, on the attention operator."""
