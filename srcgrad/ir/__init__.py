"""The graph: values, operations and blocks, with a builder, a printer, a verifier and an interpreter."""
