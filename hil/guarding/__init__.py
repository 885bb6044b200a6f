"""The guardian: a small process that drives a bench off when its controller is killed or hangs.

See docs/safety.md for what it does, and docs/decisions/ for why. `held` is the controller's side,
`__main__` the process; neither loads torch.
"""
