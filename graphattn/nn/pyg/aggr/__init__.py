"""PyG's aggregations with attention, on the attention operator."""
