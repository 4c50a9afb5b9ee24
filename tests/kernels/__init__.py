"""Textbook kernels that write into arrays, containers and objects, to be differentiated unchanged."""
