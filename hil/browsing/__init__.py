"""Looking through runs that are kept: which there are, what each did, how they differ."""
