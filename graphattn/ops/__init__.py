"""The one operator: edge-restricted attention, and what it is made of."""
