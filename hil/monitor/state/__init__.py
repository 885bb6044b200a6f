"""What a window shows, folded from a run's events: numpy only, of bounded size, no Qt."""
