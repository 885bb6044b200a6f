"""The embedded broker's own process: `python -P serve_broker.py PORT LATE`. On loopback.

It imports nothing of this package, so that it is there in a moment; it says `ready` when it is, and
ends with its standard input, so with whoever started it, however that one ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import warnings

#: s for which it goes on, so that readers hear the last word; longer where its parent has died,
#: which its readers are to hear of.
GRACE, GRACE_OF_ORPHANS = 0.2, 1.0
#: Turns of its loop that this has at least: what came has some to go through on its way to readers,
#: and on a busy machine the time may pass before this process has had its first.
TURNS = 40
#: Connections, at most.
MOST = 50


def hang_up_on_the_frozen() -> None:
    """Break the connection of a client that gives no sign of life.

    amqtt 0.12.1 notices and does nothing: of a frozen controller nobody would hear, and for a
    frozen reader messages would pile up without end.
    """
    from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler

    def hang_up(self: BrokerProtocolHandler) -> None:
        stream = getattr(self.writer, "_writer", None)
        if stream is not None:
            stream.transport.abort()

    BrokerProtocolHandler.handle_read_timeout = hang_up


async def linger(seconds: float) -> None:
    """Go on for some seconds, and for longer where this process hardly has a turn in them."""
    for _ in range(TURNS):
        await asyncio.sleep(seconds / TURNS)


async def serve(port: int, late: int) -> None:
    """Serve until standard input ends."""
    from amqtt.broker import Broker

    hang_up_on_the_frozen()
    config = {
        "timeout_disconnect_delay": late,
        "listeners": {"default": {"bind": f"127.0.0.1:{port}", "max_connections": MOST}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }
    broker = Broker(config)
    await broker.start()
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    in_order = await loop.run_in_executor(None, sys.stdin.readline)
    await linger(GRACE if in_order else GRACE_OF_ORPHANS)
    os._exit(0)  # its own shutdown waits for clients, and there is nothing to keep


def main() -> int:
    """Entry point; what went wrong is one line on standard output."""
    logging.disable(logging.CRITICAL)  # the broker logs each client that leaves as an error
    warnings.simplefilter("ignore")  # deprecations within the broker are none of its users'
    try:
        asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
    except ImportError as error:
        print(f"missing {error.name}", flush=True)
        return 1
    except Exception as error:
        print(f"failed {error}", flush=True)
        return 1
    except KeyboardInterrupt:  # Ctrl-C goes to all of a terminal; the parent says when to end
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
