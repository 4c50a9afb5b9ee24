"""What happens around a generated program when it is called: which runs, and what it is given."""
