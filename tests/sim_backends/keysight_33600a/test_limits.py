"""VOLTage:LIMit: what may come out, whatever is asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.sim_backends.keysight_33600a.client import OK, Client


def error(client: Client) -> str:
    return client.ask("SYST:ERR?").split(",")[0]


def test_limits_clip_and_are_refused_within_what_comes_out() -> None:
    client = Client()
    client.do("OUTP1:LOAD INF", "VOLT 1", "VOLT:LIM:HIGH 1.5", "VOLT:LIM:LOW -0.25")
    client.ask("VOLT:LIM:STAT ON")  # -0.5 V comes out
    assert error(client) == "-221"
    assert client.ask("VOLT:LIM:STAT?") == "0"
    client.do("VOLT:LIM:LOW -1", "VOLT:LIM:STAT ON")
    assert float(client.ask("VOLT:LIM:HIGH?")) == 1.5
    client.ask("VOLT 4")
    assert error(client) == "-222"
    assert float(client.ask("VOLT?")) == 2.0  # down to -1 V
    client.ask("VOLT 1;VOLT:OFFS 2")
    assert error(client) == "-222"
    assert float(client.ask("VOLT:OFFS?")) == 1.0
    client.ask("VOLT:LIM:HIGH 1.2")  # 1.5 V comes out
    assert error(client) == "-221"
    client.ask("VOLT:LIM:LOW 1.6")
    assert error(client) == "-221"
    assert float(client.ask("VOLT:LIM:LOW?")) == -1.0
    client.ask("VOLT:HIGH 9")
    assert error(client) == "-222"
    assert float(client.ask("VOLT:HIGH?")) == 1.5
    client.do("VOLT:LIM:STAT OFF", "VOLT:HIGH 9")
    assert client.ask("SOUR2:VOLT:LIM:STAT?") == "0"  # each output has its own
    client.do("*RST")
    assert client.ask("VOLT:LIM:STAT?;HIGH?") == "0;+5.000000000000000E+00"  # into 50 ohm
    assert client.ask("SYST:ERR?") == OK


def test_limits_hold_for_dc() -> None:
    client = Client()
    client.do("VOLT:LIM:HIGH 0.5", "VOLT:LIM:LOW 0", "VOLT:OFFS 0.2", "VOLT:LIM:STAT ON", "FUNC DC")
    client.ask("VOLT:OFFS 3")
    assert error(client) == "-222"
    assert float(client.ask("VOLT:OFFS?")) == 0.5
    client.ask("FUNC SIN")  # its swing of 0.1 V does not fit there
    assert error(client) == "-221"
    assert float(client.ask("VOLT:HIGH?")) == 0.5


def test_percent() -> None:
    client = Client()
    client.do("FUNC:SQU:DCYC 20 PCT", "FUNC:RAMP:SYMM 25PCT")
    assert float(client.ask("FUNC:SQU:DCYC?")) == 20.0
    assert float(client.ask("FUNC:RAMP:SYMM?")) == 25.0


STEPS = st.tuples(
    st.sampled_from(["VOLT", "VOLT:OFFS", "VOLT:HIGH", "VOLT:LOW"]), st.floats(-12.0, 12.0)
)


@given(st.lists(STEPS, max_size=12))
def test_nothing_leaves_the_limits(steps: list[tuple[str, float]]) -> None:
    client = Client()
    client.do("VOLT:LIM:HIGH 0.7", "VOLT:LIM:LOW -0.3", "VOLT:LIM:STAT ON")
    level = client.device.channels[0].output.level
    for header, value in steps:
        client.ask(f"{header} {value!r}")
        assert -0.3 - 1e-9 <= level.low <= level.high <= 0.7 + 1e-9


def test_a_limit_beyond_all_that_the_load_gets_is_clipped_and_said() -> None:
    client = Client()
    client.ask("VOLT:LIM:HIGH 6.02")
    entry = client.ask("SYST:ERR?")
    assert entry == '-222,"Data out of range; value clipped to upper limit"'
    assert float(client.ask("VOLT:LIM:HIGH?")) == 5.0
    client.ask("VOLT:LIM:LOW -9")
    assert client.ask("SYST:ERR?") == '-222,"Data out of range; value clipped to lower limit"'
    assert float(client.ask("VOLT:LIM:LOW?")) == -5.0
    client.do("VOLT:LIM:HIGH 5", "VOLT:LIM:LOW MIN", "OUTP1:LOAD INF", "VOLT:LIM:HIGH 10")
