"""One client's conversation with a SCPI instrument: path memory, error queue, status registers,
replies.
"""

from __future__ import annotations

from collections.abc import Callable

from .dialect import Dialect
from .errors import ErrorQueue, ScpiError
from .framing import Framer
from .header import CommandTable
from .parameters import separate
from .status import Status

Reply = str | bytes | None
Command = Callable[["ScpiSession", tuple[int, ...], str], Reply]
"""A command's action: (session, header suffixes, parameter text) -> reply of a query, or None."""


class ScpiSession:
    """Executes program messages against a command table.

    Per connection, as scpi-parser keeps it: error queue, status registers, header path. What the
    commands change is the instrument's, shared by all connections. `send` takes whole response
    messages; `wake`, if given, runs before each message (an instrument brings its own state up to
    the present there).
    """

    def __init__(
        self,
        commands: CommandTable[Command],
        dialect: Dialect,
        send: Callable[[bytes], None],
        wake: Callable[[], None] | None = None,
    ) -> None:
        self.commands = commands
        self.dialect = dialect
        self.errors = ErrorQueue(dialect.queue_depth)
        self.status = Status()
        self._send = send
        self._wake = wake
        self._framer = Framer(
            dialect.request_end, blocks=dialect.blocks_in, limit=dialect.input_limit
        )

    def receive(self, data: bytes) -> None:
        """Take bytes from the link; complete messages are executed in order."""
        overruns = self._framer.overruns
        for message in self._framer.feed(data):
            reply = self.execute(message)
            if reply:
                self._send(reply)
        if self._framer.overruns != overruns:
            self.error(-363)

    def close(self) -> None:
        """The connection has ended."""

    def error(self, code: int, text: str | None = None) -> None:
        """Queue an error and set its event bit."""
        self.errors.push(code, text)
        self.status.error(code)

    def next_error(self) -> str:
        """Pop the oldest error as `code,"text"`."""
        code, text = self.errors.pop()
        if code == 0:
            return self.dialect.no_error
        return '%d,"%s"' % (code, text.replace('"', '""'))  # noqa: UP031

    def error_count(self) -> int:
        """How many errors are queued."""
        return len(self.errors)

    def clear(self) -> None:
        """*CLS: event registers and error queue."""
        self.errors.clear()
        self.status.clear()

    def failed(self, failure: ScpiError) -> None:
        """A unit ended with `failure`."""
        self.error(failure.code, failure.text)

    def failed_answer(self, header: str) -> bytes | None:
        """What a unit that failed answers; most instruments answer nothing."""
        return None

    def execute(self, message: str) -> bytes:
        """Run one program message; the response message with its terminator, or b"" if nothing
        answers.
        """
        if self._wake is not None:
            self._wake()
        find = self.commands.find
        replies: list[bytes] = []
        path = ""
        for unit in separate(message, ";"):
            words = unit.split(None, 1)
            if not words:
                continue
            header = words[0]
            lead = header[0]
            if lead == ":":
                header = header[1:]
            elif lead != "*":
                header = path + header
            found = find(header) if header else None
            if found is None:
                self.error(-113)
                if self.dialect.stop_on_error:
                    break
                continue
            if lead != "*" or self.dialect.common_resets_path:
                path = found.path
            try:
                reply = found.handler(self, found.suffixes, words[1] if len(words) > 1 else "")
            except ScpiError as failure:
                self.failed(failure)
                if (answer := self.failed_answer(words[0])) is not None:
                    replies.append(answer)
                if self.dialect.stop_on_error:
                    break
                continue
            if found.query and reply is not None:
                replies.append(reply if isinstance(reply, bytes) else reply.encode("latin-1"))
        if not replies:
            return b""
        return self.dialect.separator.join(replies) + self.dialect.reply_end
