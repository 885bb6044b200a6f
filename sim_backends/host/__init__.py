"""Where a simulated instrument is reached: in memory, on TCP, on a pseudo-terminal."""
