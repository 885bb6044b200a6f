"""Drivers by name: those of the package, and those that another distribution brings."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from drivers import registry
from drivers.instrument import Instrument
from drivers.registry import BUILT_IN, ENTRY_POINTS, RegistryError

MODULE = '''
from drivers.quantity import Quantity
from drivers.scpi_instrument import ScpiInstrument


class Attenuator(ScpiInstrument):
    """An attenuator."""

    quantities = (
        Quantity(
            "attenuation", "INP:ATT", "Control the attenuation in dB (0 to 60).", unit="dB",
            low=0.0, high=60.0, safe=60.0,
        ),
    )
    models = ("VOA-.*",)


class Other:
    """No driver."""
'''


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a made-up distribution on the path, with these entry points."""

    def make(entry_points: str, name: str = "acme_photonics") -> None:
        (tmp_path / f"{name}.py").write_text(MODULE)
        metadata = tmp_path / f"{name}-1.0.dist-info"
        metadata.mkdir()
        title = name.replace("_", "-")
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {title}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\n{entry_points}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()

    return make


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_driver_of_the_package_loads(name: str) -> None:
    driver = registry.load(name)
    assert issubclass(driver, Instrument)
    assert registry.BUILT_IN[name].endswith(f":{driver.__name__}")


def test_a_distribution_brings_a_driver(distribution) -> None:
    distribution("acme_voa = acme_photonics:Attenuator")
    entry = next(one for one in registry.entries() if one.name == "acme_voa")
    assert entry.package == "acme-photonics"
    driver = registry.load("acme_voa")
    assert driver.__name__ == "Attenuator"
    assert issubclass(driver, Instrument)


def test_a_driver_that_there_is_not(distribution) -> None:
    distribution("acme_voa = acme_photonics:Attenuator")
    with pytest.raises(RegistryError, match=r"'acme_vao'; did you mean acme_voa\?.*red_pitaya"):
        registry.load("acme_vao")


def test_what_a_distribution_gets_wrong_is_named(distribution) -> None:
    distribution(
        "gone = acme_nowhere:Attenuator\nother = acme_photonics:Other\n"
        "missing = acme_photonics:Missing"
    )
    for name, words in (
        ("gone", "acme-photonics.*acme_nowhere:Attenuator cannot be imported"),
        ("missing", "cannot be imported"),
        ("other", "no class derived from"),
    ):
        with pytest.raises(RegistryError, match=words):
            registry.load(name)
    registry.load("red_pitaya")  # others are not held up


def test_no_distribution_takes_over_a_name(distribution) -> None:
    distribution("red_pitaya = acme_photonics:Attenuator")
    with pytest.raises(RegistryError, match=r"red_pitaya is brought by this package and by acme"):
        registry.load("red_pitaya")
