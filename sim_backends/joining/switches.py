"""Fibre switches, through which the light goes to the chip as `[[route]]` says."""

from __future__ import annotations

import re

from sim_backends.agiltron_ff import FfBoard
from sim_backends.agiltron_selfalign import SelfAlign
from sim_backends.bench_file import Instrument
from sim_backends.instrument import SimulatedInstrument
from sim_backends.light_path import MatrixGate
from sim_backends.light_tables import Route
from sim_backends.polatis import Polatis
from sim_backends.thorlabs_osw12 import Osw12

from .site import Site

_SIZE = re.compile(r"-(\d+)x(\d+)-")


def two_way(site: Site, item: Instrument, index: int) -> SimulatedInstrument:
    """Build a switch of two ways; light reaches the plant while it stands as its route says."""
    made = site.alone(item, index)
    assert isinstance(made, Osw12)
    _gate(site, item, made)
    return made


def many_way(site: Site, item: Instrument, index: int) -> SimulatedInstrument:
    """Build a switch of as many ways as the driver believes, otherwise as `two_way`."""
    most = {"agiltron_ff": 4, "agiltron_selfalign": 16}[item.driver]
    made = site.alone(item, index, {"ways": item.options.get("positions", most)})
    assert isinstance(made, FfBoard | SelfAlign)
    _gate(site, item, made)
    return made


def matrix(site: Site, item: Instrument, index: int) -> SimulatedInstrument:
    """Build a matrix of the size that its model tells; light needs all pairs of its route."""
    size = _SIZE.search(item.identity.get("model", ""))
    options = {} if size is None else {"inputs": size[1], "outputs": size[2]}
    made = site.alone(item, index, options)
    assert isinstance(made, Polatis)
    route = _route(site, item)
    if route is not None:
        gate = MatrixGate(route, site.before_change)
        made.fibres = gate
        site.light.pass_through(gate.is_open)
    return made


def _gate(site: Site, item: Instrument, made: Osw12 | FfBoard | SelfAlign) -> None:
    route = _route(site, item)
    if route is not None:
        made.before_change = site.before_change
        site.light.pass_through(lambda: made.route() == route.position)


def _route(site: Site, item: Instrument) -> Route | None:
    """The way that a switch is on, if any."""
    return next((one for one in site.file.routes if one.switch == item.name), None)
