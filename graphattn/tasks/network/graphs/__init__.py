"""One label for each of many graphs, whose nodes stand in one table."""
