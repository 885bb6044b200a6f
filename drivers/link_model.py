"""What an exchange over a link costs in time: for planning, never for waiting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LinkModel:
    """Latency of an exchange (s) and throughput (bytes/s), as the bench file declares them.

    `read_bytes_per_second` is the rate of answers, where it differs (None: the same both ways).
    """

    latency: float
    bytes_per_second: float
    read_bytes_per_second: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.latency < float("inf"):
            raise ValueError(f"link latency {self.latency!r} s must be finite and not negative")
        for rate in (self.bytes_per_second, self.read_bytes_per_second):
            if rate is not None and not rate > 0.0:
                raise ValueError(f"link rate {rate!r} bytes/s must be positive")

    def cost(self, sent: float, received: float = 0, exchanges: int = 1) -> float:
        """Seconds that `exchanges` exchanges take which carry these bytes in all."""
        reading = self.read_bytes_per_second or self.bytes_per_second
        return exchanges * self.latency + sent / self.bytes_per_second + received / reading
