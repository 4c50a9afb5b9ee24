"""The operators as graph transforms: from the graph of a function to that of a derivative."""
