"""Functions on the weights of edges."""
