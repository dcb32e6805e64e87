"""Will these two be linked? From a network to a probability for each pair of nodes."""
