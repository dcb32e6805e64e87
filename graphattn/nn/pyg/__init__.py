"""Drop-in replacements for the attention layers of PyTorch Geometric (PyG); only this folder of `nn` imports PyG."""
