"""The window itself: Qt and pyqtgraph, imported nowhere else."""
