"""A bench by hand: what `python -m hil.operate` can be told to do."""
