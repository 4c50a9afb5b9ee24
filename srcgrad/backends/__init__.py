"""What else compiles the same graph."""
