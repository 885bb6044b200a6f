"""A Keithley 2450 SourceMeter that is not there."""
