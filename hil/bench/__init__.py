"""The bench: its file, and all that is known about a set-up before an instrument answers."""
