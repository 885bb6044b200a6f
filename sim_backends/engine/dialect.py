"""What differs between makers' readings of SCPI, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """One maker's habits.

    The defaults are those of the scpi-parser library (github j123b567/scpi-parser), which many
    instruments embed.
    """

    request_end: bytes = b"\n"
    """Ends a program message. White space around a message, a CR before LF too, does not count."""
    reply_end: bytes = b"\r\n"
    """Ends a response message."""
    block_ends: bool = True
    """Whether `reply_end` comes behind a response that ends in a block, too."""
    separator: bytes = b";"
    """Between the replies of one message's queries."""
    blocks_in: bool = True
    """Whether the framing counts bytes of a definite block sent to the instrument."""
    input_limit: int = 1 << 19
    """Longest message, bytes."""
    queue_depth: int = 16
    stop_on_error: bool = False
    """Whether a bad unit discards the rest of its message (Keithley) or only itself (scpi-parser).
    """
    common_resets_path: bool = True
    """Whether a common command takes the header path back to the root (scpi-parser) or leaves it
    (488.2).
    """
    no_error: str = '0,"No error"'
    """Reply to SYSTem:ERRor? with nothing queued; some makers write `+0`."""
    error_entry: str = '{code},"{text}"'
    """Reply to SYSTem:ERRor? otherwise: `{code}` (or `{code:+d}`) and `{text}`, its quotes doubled.
    """
    clips: bool = False
    """Whether a number out of range is taken at the limit, with -222 queued (Agilent generators),
    or refused.
    """
    service_bit: bool = False
    """Whether bit 6 of *SRE is kept (scpi-parser); by 488.2 it is always 0."""
    identity_ends: bool = False
    """Whether a query behind *IDN? in one message is refused with -440 (488.2), or answered."""
    error_summary: bool = True
    """Whether bit 2 of the status byte tells of queued errors (SCPI-1999 volume 1, 9); some makers
    leave it unused, or give it another meaning.
    """
    powers_on: bool = False
    """Whether the event register tells of the power-on (PON) when first read."""
