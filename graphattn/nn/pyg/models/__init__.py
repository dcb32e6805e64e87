"""Models of attention layers that PyG has, of our layers; needs PyG."""
