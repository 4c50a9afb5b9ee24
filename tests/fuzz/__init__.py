"""Random programs: generated, held against differences, and made small where they fail."""
