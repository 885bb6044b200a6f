"""The state of objects as tensors and plain data, and back: what a run needs to go on where it was.

A class says in `STATE` which of its attributes are its state, and in `HEAVY` which of those are so
large that they are not kept at every step. Attributes may be plain, tensors, arrays, random
generators, optimisers, tables and lists of such, objects with a `STATE` of their own, and values
(frozen dataclasses, enums) of classes that the reader names: nothing else is ever made of what a
file says, and nothing is unpickled.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import numpy as np
import torch
from torch import Tensor

#: Plain data with tensors and arrays in it.
Tree = Any
_PLAIN = (str, int, float, bool, type(None))


class StateError(ValueError):
    """A state that cannot be kept, or does not fit what it is given to."""


def take(thing: Any, *, heavy: bool = True) -> dict[str, Tree]:
    """The state of an object, copied: {attribute: value}. heavy : with what is in `HEAVY`.

    Raises
    ------
    StateError
        Where an attribute is of a kind that cannot be kept.
    """
    left_out = () if heavy else getattr(thing, "HEAVY", ())
    return {
        name: _taken(getattr(thing, name), heavy, f"{type(thing).__name__}.{name}")
        for name in thing.STATE
        if name not in left_out
    }


def give(thing: Any, state: Mapping[str, Tree], values: Iterable[type]) -> None:
    """Put an object into a state that `take` gave; what the state has not is left as it is.

    values : classes of which objects may be made.

    Raises
    ------
    StateError
    """
    known = {one.__name__: one for one in values}
    _give(thing, state, known)


def to_tensors(tree: Tree) -> tuple[dict[str, Tensor], str]:
    """A tree as one tensor for each type of number, and JSON that says where everything lies."""
    pieces: dict[np.dtype[Any], tuple[str, list[np.ndarray]]] = {}
    lengths: Counter[str] = Counter()

    def placed(value: Any) -> dict[str, Any]:
        if not isinstance(value, Tensor | np.ndarray):
            raise TypeError(f"a {type(value).__name__} cannot be kept")
        # By way of numpy, whose calls cost a fraction of those of torch: this is done every step.
        array = value if isinstance(value, np.ndarray) else value.numpy()
        if array.dtype not in pieces:
            pieces[array.dtype] = (array.dtype.name, [])
        name, held = pieces[array.dtype]
        at = lengths[name]
        lengths[name] = at + array.size
        held.append(array.reshape(-1))
        return {"array" if array is value else "tensor": [name, at, array.shape]}

    text = json.dumps(tree, default=placed)
    return {name: torch.from_numpy(np.concatenate(held)) for name, held in pieces.values()}, text


def from_tensors(tensors: Mapping[str, Tensor], text: str) -> Tree:
    """The tree that `to_tensors` took apart.

    Raises
    ------
    StateError
    """

    def piece(where: Any) -> Tensor:
        name, at, shape = where
        size = math.prod(shape)
        return tensors[name][at : at + size].reshape(shape).clone()

    def whole(value: Any) -> Tree:
        if isinstance(value, dict):
            if len(value) == 1 and "tensor" in value:
                return piece(value["tensor"])
            if len(value) == 1 and "array" in value:
                return piece(value["array"]).numpy()
            return {key: whole(one) for key, one in value.items()}
        return [whole(one) for one in value] if isinstance(value, list) else value

    try:
        return whole(json.loads(text))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise StateError(f"a state that is not whole: {error}") from error


def _taken(value: Any, heavy: bool, where: str) -> Tree:
    def inner(one: Any) -> Tree:
        return _taken(one, heavy, where)

    if type(value) in _PLAIN:  # most are
        return value
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, Enum):
        return {"enum": type(value).__name__, "is": value.value}
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "STATE"):
        return {"object": type(value).__name__, "state": take(value, heavy=heavy)}
    if isinstance(value, np.random.Generator):
        return {"random": dict(value.bit_generator.state)}
    if isinstance(value, torch.optim.Optimizer):
        return {"optimiser": inner(value.state_dict())}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: inner(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"value": type(value).__name__, "fields": fields}
    if isinstance(value, Mapping):
        return {"table": [[inner(key), inner(one)] for key, one in value.items()]}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [inner(one) for one in value]}
    raise StateError(f"{where}: a {type(value).__name__} cannot be kept")


def _give(thing: Any, state: Mapping[str, Tree], known: Mapping[str, type]) -> None:
    for name, tree in state.items():
        if name not in thing.STATE:
            raise StateError(f"{type(thing).__name__} has no state {name!r}")
        now = getattr(thing, name, None)
        new = _given(tree, now, known)
        if new is not now:
            setattr(thing, name, new)


def _given(tree: Tree, now: Any, known: Mapping[str, type]) -> Any:
    """What a tree says, in place of what is there `now` (itself, where that can take it)."""
    if isinstance(tree, Tensor):
        if isinstance(now, Tensor) and now.requires_grad and now.is_leaf:
            if now.shape != tree.shape:
                raise StateError(f"a tensor {tuple(tree.shape)} for one {tuple(now.shape)}")
            with torch.no_grad():
                now.copy_(tree)  # an optimiser holds this very tensor
            return now
        return tree.clone()
    if isinstance(tree, np.ndarray):
        return tree.copy()
    if not isinstance(tree, Mapping):
        return tree

    def cls(name: str) -> type:
        if name not in known:
            raise StateError(f"no {name} is known")
        return known[name]

    match tree:
        case {"enum": name, "is": value}:
            return cls(name)(value)
        case {"object": name, "state": state}:
            if type(now).__name__ != name:
                now = object.__new__(cls(name))
            _give(now, state, known)
            return now
        case {"random": state}:
            if not isinstance(now, np.random.Generator):
                raise StateError("the state of a random generator for something else")
            now.bit_generator.state = state
            return now
        case {"optimiser": state}:
            if not isinstance(now, torch.optim.Optimizer):
                raise StateError("the state of an optimiser for something else")
            now.load_state_dict(_given(state, None, known))
            return now
        case {"value": name, "fields": fields}:
            made = {key: _given(one, None, known) for key, one in fields.items()}
            return cls(name)(**made)
        case {"table": rows}:
            held = now if isinstance(now, Mapping) else {}
            keys = [(_given(key, None, known), one) for key, one in rows]
            table = {key: _given(one, held.get(key), known) for key, one in keys}
            return Counter(table) if isinstance(now, Counter) else table
        case {"list": rows}:
            return [_given(one, None, known) for one in rows]
        case {"tuple": rows}:
            return tuple(_given(one, None, known) for one in rows)
    raise StateError(f"nothing that is known: {list(tree)[:3]}")
