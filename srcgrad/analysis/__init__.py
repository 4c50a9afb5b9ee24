"""Facts about a graph that the transformations read."""
