"""The composite backend."""
