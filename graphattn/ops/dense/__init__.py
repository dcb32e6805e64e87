"""The dense backend."""
