"""JSON-RPC 2.0 with positional parameters, as bodies of HTTP requests.

Source: JSON-RPC 2.0 specification; Pulse Streamer client 2.1.2, `jrpc`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


class RpcMismatch(ValueError):
    """An answer that is no JSON-RPC response to the request that was made."""


class RpcRefused(Exception):
    """The other end answered with an error object; its text is the message."""


def encode_call(method: str, params: Sequence[Any], call_id: int) -> bytes:
    """The body of a call. Raises `ValueError` for NaN and inf, which JSON cannot carry."""
    call = {"jsonrpc": "2.0", "id": call_id, "method": method, "params": list(params)}
    return json.dumps(call, separators=(",", ":"), allow_nan=False).encode("utf-8")


def is_older(body: bytes, call_id: int) -> bool:
    """Whether a body answers a call before `call_id`: it came twice, or late."""
    try:
        told = json.loads(body).get("id")
    except (ValueError, RecursionError, AttributeError):
        return False
    return isinstance(told, int) and not isinstance(told, bool) and 0 < told < call_id


def parse_result(body: bytes, call_id: int) -> Any:
    """The result of the call `call_id`.

    Raises `RpcRefused` for an error object, `RpcMismatch` for anything that is no answer to it.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RpcMismatch(f"{body[:80]!r} is no JSON: {error}") from None
    if not isinstance(answer, dict):
        raise RpcMismatch(f"{body[:80]!r} is no JSON-RPC response")
    told = answer.get("id")
    if not (isinstance(told, int) and not isinstance(told, bool) and told == call_id) and not (
        told is None and answer.get("error")
    ):
        raise RpcMismatch(f"call {call_id} was answered under id {told!r}")
    if error := answer.get("error"):
        if isinstance(error, dict):
            raise RpcRefused(f"{error.get('message', 'error')} (code {error.get('code', '?')})")
        raise RpcRefused(str(error))
    if "result" not in answer:
        raise RpcMismatch(f"{body[:80]!r} holds neither result nor error")
    return answer["result"]
