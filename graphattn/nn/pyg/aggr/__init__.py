"""The attending aggregations that PyG has, on the one operator; needs PyG."""
