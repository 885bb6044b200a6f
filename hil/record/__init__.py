"""The run folder: what a run was asked, what it did, and what it left."""

from hil.record.folder import RunFolder, RunFolderError

__all__ = ["RunFolder", "RunFolderError"]
