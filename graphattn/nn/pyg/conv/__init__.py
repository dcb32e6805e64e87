"""The graph attention layers that PyG has, on the one operator; needs PyG."""
