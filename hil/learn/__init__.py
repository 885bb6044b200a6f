"""Networks over a schedule, the methods that train them, and the training loop."""
