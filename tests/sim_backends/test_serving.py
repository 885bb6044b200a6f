"""The command line, and bench time on a real loop."""

from __future__ import annotations

import asyncio

import pytest

from sim_backends.__main__ import main
from sim_backends.host.clock import BenchClock
from sim_backends.host.serving import BenchHost, Ports


def test_bench_time_on_a_real_loop_begins_at_the_start_time() -> None:
    async def look() -> tuple[float, float]:
        clock = BenchClock(100.0)
        first = clock.now()
        await asyncio.sleep(0)
        return first, clock.now()

    first, second = asyncio.run(look())
    assert first == pytest.approx(100.0)
    assert 100.0 <= second < 101.0


def test_bench_time_on_a_virtual_loop_is_the_loops(run) -> None:
    async def look() -> float:
        await asyncio.sleep(2.0)
        return BenchClock(100.0).now()

    assert run(look(), 5.0) == 7.0


@pytest.mark.parametrize(
    ("text", "named"),
    [("schema = [", "not a TOML file"), ("schema = 1\n", "ports"), (None, "No such file")],
)
def test_what_the_caller_can_mend_is_one_line_and_exit_code_2(
    tmp_path, capsys, text, named
) -> None:
    file = tmp_path / "bench.toml"
    if text is not None:
        file.write_text(text)
    assert main(["serve", str(file)]) == 2
    error = capsys.readouterr().err
    assert named in error
    assert error.count("\n") == 1


def test_a_port_that_is_taken_is_named(bench) -> None:
    async def serve() -> str:
        made, _, _ = bench()
        first = BenchHost(made, ports=Ports(0, 0, 0))
        await first.start()
        taken = first.tcp_ports["box-0", 5000]
        second = BenchHost(made, ports=Ports(taken, 0, 0))
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{taken}") as caught:
            await second.start()
        await first.close()
        return str(caught.value)

    asyncio.run(serve())
