"""Differentiable models of the bench and their refitting from what it measured."""
