"""The instrument side of IEEE 488.2 and SCPI: command tree, parameters, status registers, error
queue.
"""
