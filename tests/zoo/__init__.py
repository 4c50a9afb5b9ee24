"""Small programs to differentiate, one theme per module, that together use the whole language."""
