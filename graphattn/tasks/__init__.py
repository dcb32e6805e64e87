"""What people come for: a model for a task, from their data, with one call."""
