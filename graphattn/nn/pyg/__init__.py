"""Drop-in replacements of PyTorch Geometric's attention layers; the one folder of layers that imports PyG."""
