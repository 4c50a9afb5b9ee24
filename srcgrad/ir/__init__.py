"""The graph: values, ops and blocks, with a builder, printer, verifier and interpreter."""
