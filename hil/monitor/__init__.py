"""The live window: what a run tells, for the person at the bench. Always its own process."""
