"""PyG's models of attention layers, built from our layers."""
