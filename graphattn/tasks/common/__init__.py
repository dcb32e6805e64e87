"""What all tasks share: reading tables, files, training, errors."""
