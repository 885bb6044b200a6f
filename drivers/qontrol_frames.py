"""Setting spans of a Qontrol chain's channels: in which frames, and when that is done.

Sources: Qontrol API 1.1.20, transcripts of the API's `virtual-module` branch.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drivers.errors import InstrumentError
from drivers.link_model import LinkModel
from drivers.protocol import qontrol
from drivers.protocol.qontrol import WORD_MAX, Code
from drivers.qontrol_chain import QontrolChain
from drivers.qontrol_dialogue import NOISE
from drivers.qontrol_exchanges import CHANNELS_PER_MODULE
from drivers.transport.link import Connector

logger = logging.getLogger(__name__)

Encoding = Literal["binary", "ascii"]


class QontrolFrames(QontrolChain):
    """How channels are set: neighbours in one vector, as long as firmware takes them."""

    def __init__(
        self,
        name: str,
        resource: str,
        connector: Connector,
        *,
        link: LinkModel,
        expect: Mapping[str, str],
        timeout: float,
        modules: int,
        encoding: Encoding,
        vector_words: int,
    ) -> None:
        """Raises `ValueError` for an encoding that there is not, or vectors without a word."""
        if encoding not in ("binary", "ascii"):
            raise ValueError(f"{name}: encoding {encoding!r} is neither 'binary' nor 'ascii'")
        if vector_words < 1:
            raise ValueError(f"{name}: vector_words = {vector_words!r} must be at least 1")
        super().__init__(
            name, resource, connector, link=link, expect=expect, timeout=timeout, modules=modules
        )
        self._binary = encoding == "binary"
        self._longest = vector_words if self._binary else CHANNELS_PER_MODULE

    def _encode(self, code: Code, first: int, words: NDArray[np.int64]) -> bytes:
        if not self._binary:
            full = self.v_full if code in (Code.V, Code.VMAX) else self.i_full[first] * 1e3
            values = (words * (full / WORD_MAX)).tolist()
            if len(values) == 1:
                return qontrol.set_value(code.name, first, values[0])
            return qontrol.set_vector(code.name, first, values)
        if words.size == 1:
            return qontrol.write_word(code, first, int(words[0]))
        return qontrol.write_vector(code, first, words)

    async def _set(
        self,
        code: Code,
        first: int,
        words: NDArray[np.int64],
        kind: str,
        *,
        tolerant: bool = False,
    ) -> None:
        """Set a span of channels and wait for the `OK` of every module that it touches.

        A garbled transfer (E15) is tried once more, as the vendor's client does. `tolerant`: faults
        of outputs are logged.
        """
        if not self._binary:  # an ASCII vector stays within its module
            border = CHANNELS_PER_MODULE - first % CHANNELS_PER_MODULE
            if words.size > border:
                await self._set(code, first, words[:border], kind, tolerant=tolerant)
                await self._set(code, first + border, words[border:], kind, tolerant=tolerant)
                return
        frame = self._encode(code, first, words)
        last = first + words.size - 1
        oks = last // CHANNELS_PER_MODULE - first // CHANNELS_PER_MODULE + 1
        command = f"{code.name} of channels {first} to {last}"
        replies, faults, command = await self._exchange(kind, frame, oks, command)
        refusals = [fault for fault in faults if not fault.unasked]
        if refusals and all(fault.code == 15 for fault in refusals):
            outputs = [fault for fault in faults if fault.unasked]
            replies, faults, _ = await self._exchange(kind, frame, oks, command)
            faults = outputs + faults
        if tolerant:
            for fault in [fault for fault in faults if fault.unasked]:
                logger.warning("%s: %s, found while switching off", self.name, fault)
            faults = [fault for fault in faults if not fault.unasked]
        self._raise(command, faults)
        for reply in replies:
            if reply != b"OK":
                self._link.doubt()
                raise InstrumentError(
                    self.name, command, reply.decode("latin-1"), f"OK was due; {NOISE}"
                )
