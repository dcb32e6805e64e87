"""Errors in what the user gave, as opposed to faults of this library."""


class InputError(ValueError):
    """Something given cannot be used; the message is one sentence for the person who gave it.

    The command line prints that sentence and exits with code 2.
    """


class TableError(InputError):
    """A table cannot be used as a whole; the message names file, line and column."""


class SettingsError(InputError):
    """A setting is out of range, or two settings exclude each other."""


class ModelDirectoryError(InputError):
    """A directory does not hold a whole model of this library."""
