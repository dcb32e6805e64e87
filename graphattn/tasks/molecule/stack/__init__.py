"""The stack: networks and quick models, each judged on molecules it was not trained on, added up by weight."""
