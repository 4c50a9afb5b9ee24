"""The chain rule, from graph to graph."""
