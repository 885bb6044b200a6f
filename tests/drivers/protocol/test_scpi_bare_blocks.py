"""Blocks behind which the end of a message may be missing, as a TSL-570's on LAN."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.protocol.scpi import ScpiSyntaxError, definite_block
from drivers.protocol.scpi_stream import replies


@given(st.binary(max_size=40), st.sampled_from([b"", b"\r"]), st.booleans())
def test_a_block_and_the_entry_behind_it(payload: bytes, behind: bytes, first: bool) -> None:
    """Whatever its bytes are, ends of messages and signs of blocks among them."""
    before = b"" if first else b"5;6\r"
    said = before + definite_block(payload) + behind + b'0,"No error"\r'
    found = replies(said, b"\r", bare=True)
    assert found == [*([] if first else [[b"5", b"6"]]), [payload], [b'0,"No error"']]


@pytest.mark.parametrize("said", [b"#15abc", b"#0abc\r0,no\r", b"#", b"#2", b"#3ab\r", b"#2 1a\r"])
def test_a_broken_block_is_an_error_or_all_there_is(said: bytes) -> None:
    if said.startswith(b"#0"):  # up to the end of what came: nothing is left for an entry
        assert replies(said, b"\r", bare=True) == [[said[2:]]]
    else:
        with pytest.raises(ScpiSyntaxError, match="block"):
            replies(said, b"\r", bare=True)
