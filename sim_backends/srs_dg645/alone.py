"""A generator that stands alone, its outputs open."""

from __future__ import annotations

from sim_backends.instrument import Placement, refuse_unknown

from .generator import Dg645


def build(placement: Placement) -> Dg645:
    """No options; `identity` may give serial and firmware."""
    refuse_unknown("srs_dg645", placement.options, ())
    return Dg645(
        placement.clock.now,
        serial=placement.identity.get("serial", "008011"),
        firmware=placement.identity.get("firmware", "1.19.118"),
    )
