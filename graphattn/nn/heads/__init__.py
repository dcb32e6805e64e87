"""From what an encoder gives to an answer: for each node, for each graph, for a sequence."""
