"""Dialects spoken over a byte link: framing and parsing, without knowledge of a model."""
