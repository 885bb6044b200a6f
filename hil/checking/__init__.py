"""The preflight of a bench: what `python -m hil.check` looks at before anything is driven."""
