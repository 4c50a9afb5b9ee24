"""What users call: each operator as a callable that finds, makes and runs its program."""
