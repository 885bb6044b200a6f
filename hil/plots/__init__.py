"""Figures as inline SVG, for pages that need nothing beside themselves."""
