"""What all simulated source-measure units have in common: loads, ranges, limits, imperfections."""
