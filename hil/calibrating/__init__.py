"""Calibration of a bench from the command line: what is run, kept, shown, checked and compared."""
