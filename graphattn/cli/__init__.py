"""The command `graphattn`."""
