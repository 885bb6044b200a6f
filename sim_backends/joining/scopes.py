"""Oscilloscopes, whose inputs see detectors and the trigger line."""

from __future__ import annotations

from sim_backends.bench_file import Instrument
from sim_backends.keysight_infiniivision import KeysightInfiniivision
from sim_backends.keysight_infiniivision.models import MODELS as INFINIIVISION
from sim_backends.rigol_ds1000z import RigolDs1000z
from sim_backends.rigol_ds1000z.models import MODELS as DS1000Z
from sim_backends.scope_joint import ScopeJoint

from .site import Site


def rigol(site: Site, item: Instrument, index: int) -> RigolDs1000z:
    """Build a DS1000Z; without EXT the trigger line leads to input 4, unless the file says else."""
    model = site.model(item, index, "DS1104Z", DS1000Z, "DS1000Z")
    joint = _joint(site, item, "EXT" if DS1000Z[model].external else "CHAN4")
    made = RigolDs1000z(
        site.clock.now,
        joint,
        model=model,
        serial=item.identity["serial"],
        seed=site.seed(index),
    )
    joint.follow(made.acquisition, made.advance)
    return made


def infiniivision(site: Site, item: Instrument, index: int) -> KeysightInfiniivision:
    """Build an InfiniiVision; the trigger line leads to EXT, and to an input that the file says."""
    joint = _joint(site, item, "EXT")
    made = KeysightInfiniivision(
        site.clock.now,
        joint,
        model=site.model(item, index, "DSO-X 2024A", INFINIIVISION, "InfiniiVision"),
        serial=item.identity["serial"],
        seed=site.seed(index),
    )
    joint.follow(made.acquisition, made.advance)
    return made


def _joint(site: Site, item: Instrument, usual: str) -> ScopeJoint:
    source = str(item.options.get("trigger_source", usual))
    number = int(source[-1]) if source.startswith("CHAN") and source[-1:].isdigit() else 0
    # An input that a port's detector leads to triggers by that detector.
    taken = site.wiring.ports_at(item.name)
    joint = ScopeJoint(site.wiring, item.name, 0 if number in taken else number)
    site.wiring.join_reader(joint)
    return joint
