"""What simulated oscilloscopes have in common: inputs, trigger and memory, digitising."""
