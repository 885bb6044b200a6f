"""One client's conversation with a SCPI instrument: path memory, error queue, status registers,
replies, and waiting for what takes its time.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

from .dialect import Dialect
from .errors import ErrorQueue, ScpiError
from .framing import Framer
from .header import CommandTable
from .operations import Deferred
from .parameters import separate
from .status import Status

_HEAD = re.compile(r"[\x00-\x20]*([^\x00-\x20]*)[\x00-\x20]*")
Reply = str | bytes | Deferred | None
Command = Callable[["ScpiSession", tuple[int, ...], str], Reply]
"""A command's action: (session, header suffixes, parameter text) -> reply of a query, or None; a
`Deferred` where the answer, or the end of a command that holds all others, comes later."""


class ScpiSession:
    """Executes program messages against a command table.

    `errors` and `status` are the connection's own unless given (scpi-parser keeps them so; most
    instruments have one of each for all). What the commands change is the instrument's, shared by
    all connections. `send` takes whole response messages; `wake`, if given, runs before each
    message (an instrument brings its own state up to the present there).

    It serves streams, and message-based links as well: `end`, `clear`, `trigger`, `status_byte`.
    """

    def __init__(
        self,
        commands: CommandTable[Command],
        dialect: Dialect,
        send: Callable[[bytes], None],
        wake: Callable[[], None] | None = None,
        *,
        errors: ErrorQueue | None = None,
        status: Status | None = None,
        on_trigger: Callable[[ScpiSession], None] | None = None,
    ) -> None:
        self.commands = commands
        self.dialect = dialect
        self.errors = ErrorQueue(dialect.queue_depth) if errors is None else errors
        self.status = Status() if status is None else status
        self.register_text: Callable[[int], str] = str
        """How the value of a status register is told; some makers offer other bases."""
        self._send = send
        self._wake = wake
        self._on_trigger = on_trigger
        self._framer = Framer(
            dialect.request_end, blocks=dialect.blocks_in, limit=dialect.input_limit
        )
        self._inbox: deque[str] = deque()
        self._awaited: Deferred | None = None
        self._watcher: Callable[[], None] | None = None

    # -- the link's side --------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Take bytes from the link; complete messages are executed in order."""
        overruns = self._framer.overruns
        self._take(self._framer.feed(data))
        if self._framer.overruns != overruns:
            # Where a message is taken in as fast as it is understood (488.2, 6.3.1.7), one with
            # queries that is too long stops when its unread answers fill the output.
            self.error(-430 if self._framer.has_end and self._framer.asked else -363)

    def by_messages(self) -> None:
        """The link tells where a message ends: `end` is called."""
        self._framer.has_end = True

    def end(self) -> None:
        """END came with the last byte: what has come is a message even without its terminator."""
        self._take(self._framer.end())

    def clear(self) -> None:
        """Device clear: input, output and waiting are given up; settings and errors stay."""
        self._framer.clear()
        self._inbox.clear()
        if self._awaited is not None:
            self._awaited.cancel()
            self._awaited = None

    def watch(self, changed: Callable[[], None]) -> None:
        """Call `changed`, until the connection ends, when the status byte may have changed."""
        self._watcher = changed
        self.status.watchers.append(changed)

    def close(self) -> None:
        """The connection has ended."""
        self.clear()
        if self._watcher is not None:
            self.status.watchers.remove(self._watcher)
            self._watcher = None

    def trigger(self) -> None:
        """A group execute trigger."""
        try:
            if self._on_trigger is None:
                raise ScpiError(-211)
            self._on_trigger(self)
        except ScpiError as failure:
            self.failed(failure)

    def status_byte(self, message_available: bool = False) -> int:
        """What a serial poll reads."""
        errors = self.error_count() if self.dialect.error_summary else 0
        return self.status.byte(errors, message_available)

    @property
    def pending(self) -> int:
        """Messages that have come and are not finished, without one that just now answers."""
        return len(self._inbox) + (self._awaited is not None)

    # -- errors -----------------------------------------------------------------------------------

    def error(self, code: int, text: str | None = None) -> None:
        """Queue an error and set its event bit."""
        self.errors.push(code, text)
        self.status.error(code)

    def next_error(self) -> str:
        """Pop the oldest error as the maker writes it."""
        code, text = self.errors.pop()
        if code == 0:
            return self.dialect.no_error
        return self.dialect.error_entry.format(code=code, text=text.replace('"', '""'))

    def error_count(self) -> int:
        """How many errors are queued."""
        return len(self.errors)

    def clear_status(self) -> None:
        """*CLS: event registers and error queue."""
        self.errors.clear()
        self.status.clear()

    def failed(self, failure: ScpiError) -> None:
        """A unit ended with `failure`."""
        self.error(failure.code, failure.text)

    def failed_answer(self, header: str) -> bytes | None:
        """What a unit that failed answers; most instruments answer nothing."""
        return None

    # -- executing --------------------------------------------------------------------------------

    def execute(self, message: str) -> bytes:
        """Run one program message; the response message with its terminator, or b"" if nothing
        answers, or not yet: then it is sent later.
        """
        if self._wake is not None:
            self._wake()
        units = separate(message, ";")
        if not message.isprintable():
            units = [_spaced(unit) for unit in units]
        return self._run(units, 0, "", [])

    def _take(self, messages: list[str]) -> None:
        inbox = self._inbox
        inbox.extend(messages)
        while inbox and self._awaited is None:
            reply = self.execute(inbox.popleft())
            if reply:
                self._send(reply)

    def _run(self, units: list[str], at: int, path: str, replies: list[bytes]) -> bytes:
        """Run the units from `at` on; `replies` are those of the units before."""
        find = self.commands.find
        dialect = self.dialect
        ended = dialect.identity_ends and any(map(_is_identity, units[:at]))
        for index in range(at, len(units)):
            words = units[index].split(None, 1)
            if not words:
                continue
            header = words[0]
            lead = header[0]
            if lead == ":":
                header = header[1:]
            elif lead != "*":
                header = path + header
            try:
                found = find(header) if header else None
                if found is None:
                    raise ScpiError(-113)
                if lead != "*" or dialect.common_resets_path:
                    path = found.path
                if ended and found.query:
                    raise ScpiError(-440)
                reply = found.handler(self, found.suffixes, words[1] if len(words) > 1 else "")
                if reply.__class__ is Deferred:
                    assert isinstance(reply, Deferred)
                    if not reply.done:
                        rest = (units, index, path, replies, found.query)
                        self._awaited = reply
                        reply.then(lambda held=reply, rest=rest: self._resume(held, *rest))
                        return b""
                    if reply.failure is not None:
                        raise reply.failure
                    reply = reply.reply
            except ScpiError as failure:
                self._failed_unit(failure, words[0], replies)
                if dialect.stop_on_error:
                    break
                continue
            if found.query and reply is not None:
                assert not isinstance(reply, Deferred)
                replies.append(reply if isinstance(reply, bytes) else reply.encode("latin-1"))
                ended = ended or (dialect.identity_ends and _is_identity(header))
        if not replies:
            return b""
        bare = not dialect.block_ends and replies[-1].startswith(b"#")
        return dialect.separator.join(replies) + (b"" if bare else dialect.reply_end)

    def _failed_unit(self, failure: ScpiError, header: str, replies: list[bytes]) -> None:
        self.failed(failure)
        if (answer := self.failed_answer(header)) is not None:
            replies.append(answer)

    def _resume(
        self,
        held: Deferred,
        units: list[str],
        index: int,
        path: str,
        replies: list[bytes],
        query: bool,
    ) -> None:
        """What was waited for is there: go on after that unit, then with what has come since."""
        self._awaited = None
        if self._wake is not None:
            self._wake()
        following = index + 1
        if held.failure is not None:
            self._failed_unit(held.failure, units[index].split(None, 1)[0], replies)
            if self.dialect.stop_on_error:
                following = len(units)
        elif query and held.reply is not None:
            reply = held.reply
            replies.append(reply if isinstance(reply, bytes) else reply.encode("latin-1"))
        answer = self._run(units, following, path, replies)
        if answer:
            self._send(answer)
        self._take([])


def _is_identity(unit: str) -> bool:
    """Whether a unit asks for the identity, whose answer only the message's end ends."""
    return unit.strip().upper() == "*IDN?"


def _spaced(unit: str) -> str:
    """A unit with plain spaces around its header: NUL and other control characters are white space
    too (488.2, 7.4.1.2), which Python does not take them for.
    """
    head = _HEAD.match(unit)
    assert head is not None
    if head.end() == len(head[1]) or head[0].isprintable():
        return unit
    return f"{head[1]} {unit[head.end() :]}"
