"""All simulated instruments by model name, each made to stand alone.

The names are those of the drivers. A model's module is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module

from .instrument import Placement, SimulatedInstrument

MODELS: dict[str, str] = {
    "keithley_2400": "sim_backends.keithley_2400.alone:build",
    "keithley_2450": "sim_backends.keithley_2450.alone:build",
    "qontrol_q8": "sim_backends.qontrol_q8.alone:build",
    "polatis": "sim_backends.polatis.alone:build",
    "qdevil_qdac2": "sim_backends.qdevil_qdac2.alone:build",
    "pulse_streamer": "sim_backends.pulse_streamer.alone:build",
    "keysight_33600a": "sim_backends.keysight_33600a.alone:build",
    "keysight_n7744a": "sim_backends.keysight_n7744a.alone:build",
    "red_pitaya": "sim_backends.red_pitaya.alone:build",
    "santec_tsl570": "sim_backends.santec_tsl570.alone:build",
    "meerstetter_tec1091": "sim_backends.meerstetter_tec1091.alone:build",
    "keysight_816x": "sim_backends.keysight_816x.alone:build",
    "thorlabs_pm100": "sim_backends.thorlabs_pm100.alone:build",
    "srs_dg645": "sim_backends.srs_dg645.alone:build",
    "agiltron_ff": "sim_backends.agiltron_ff:build",
    "agiltron_selfalign": "sim_backends.agiltron_selfalign:build",
    "keysight_infiniivision": "sim_backends.keysight_infiniivision.alone:build",
    "rigol_ds1000z": "sim_backends.rigol_ds1000z.alone:build",
    "thorlabs_osw12": "sim_backends.thorlabs_osw12:build",
}
"""Model name -> `module:function`; the function makes an instrument from a `Placement`."""


class UnknownModelError(ValueError):
    """A model name that is not in the catalogue."""


def build(model: str, placement: Placement) -> SimulatedInstrument:
    """Make an instrument that stands alone: its outputs open, its inputs quiet, or as it says.

    Raises `UnknownModelError`, or `OptionError` for its options.
    """
    where = MODELS.get(model)
    if where is None:
        raise UnknownModelError(f"no simulated {model!r}; there are {', '.join(sorted(MODELS))}")
    module, _, function = where.partition(":")
    return getattr(import_module(module), function)(placement)
