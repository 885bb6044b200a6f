"""Drivers by name: those of the package, and those that another distribution brings."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import pytest

from drivers import registry
from drivers.errors import LimitError
from drivers.instrument import Instrument
from drivers.link_model import LinkModel
from drivers.registry import BUILT_IN, ENTRY_POINTS, RegistryError
from drivers.transport.memory import MemoryNetwork

README = (Path(__file__).parents[2] / "docs" / "instruments" / "README.md").read_text()
EXAMPLE, PROJECT = (
    re.search(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)[1]  # type: ignore[index]
    for language in ("python", "toml")
)
"""The driver and its pyproject.toml as the documentation shows them."""


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a made-up distribution on the path, with these entry points."""

    def make(entry_points: str, name: str = "acme_photonics") -> None:
        (tmp_path / f"{name}.py").write_text(EXAMPLE + "\n\nclass Other:\n    pass\n")
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


def test_the_documented_driver_is_found_and_works(distribution, virtual, script) -> None:
    project = tomllib.loads(PROJECT)["project"]
    [(name, where)] = project["entry-points"][ENTRY_POINTS].items()
    distribution(f"{name} = {where}")
    entry = next(one for one in registry.entries() if one.name == name)
    assert entry.package == project["name"]
    driver = registry.load(name)
    none = b'0,"No error"\n'
    server = script(
        [
            (b"*IDN?\n", b"ACME,VOA-60B,17,1.0\n"), (b"SYST:ERR?\n", none),
            (b"INP2:ATT 12.5\nSYST:ERR?\n", none),
            (b"INP1:ATT 60\nSYST:ERR?\n", none), (b"INP2:ATT 60\nSYST:ERR?\n", none),
            (b"OUTP1 OFF\nSYST:ERR?\n", none), (b"OUTP2 OFF\nSYST:ERR?\n", none),
        ],
        closing=b"ACME,VOA-60B,17,1.0\n",
    )  # fmt: skip
    network = MemoryNetwork()
    network.listen("TCPIP::voa::5025::SOCKET", server.serve)

    async def scenario() -> None:
        async with driver("voa", "TCPIP::voa::INSTR", network, link=LinkModel(0.0, 1e6)) as voa:
            await voa.attenuate(2, 12.5)
            with pytest.raises(LimitError, match="0 to 60 dB"):
                await voa.attenuate(2, 61.0)
            await voa.off()

    virtual(scenario())
    server.finish()


def test_a_driver_that_there_is_not(distribution) -> None:
    distribution("acme_voa = acme_photonics:Voa60")
    with pytest.raises(RegistryError, match=r"'acme_vao'; did you mean acme_voa\?.*red_pitaya"):
        registry.load("acme_vao")


def test_what_a_distribution_gets_wrong_is_named(distribution) -> None:
    distribution(
        "gone = acme_nowhere:Voa60\nother = acme_photonics:Other\nmissing = acme_photonics:Missing"
    )
    for name, words in (
        ("gone", "acme-photonics.*acme_nowhere:Voa60 cannot be imported"),
        ("missing", "cannot be imported"),
        ("other", "no class derived from"),
    ):
        with pytest.raises(RegistryError, match=words):
            registry.load(name)
    registry.load("red_pitaya")  # others are not held up


def test_no_distribution_takes_over_a_name(distribution) -> None:
    distribution("red_pitaya = acme_photonics:Voa60")
    with pytest.raises(RegistryError, match=r"red_pitaya is brought by this package and by acme"):
        registry.load("red_pitaya")
