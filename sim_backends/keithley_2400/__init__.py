"""A Keithley 2400 SourceMeter that is not there."""
