"""From the user's source to the graph."""
