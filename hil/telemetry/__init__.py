"""What a run tells while it runs: typed events, a bus, and outlets off the control loop."""
