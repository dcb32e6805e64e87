"""The linear backend."""
