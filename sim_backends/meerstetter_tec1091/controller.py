"""The controller: its states, its errors, what it drives the stage with, and its memory."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sim_backends.instrument import Door, OwnFault

from .faults import Faults, orders
from .parameters import FLASH_STATUS, SAVE_OFF, TABLE, to_float32
from .port import PortConversation
from .protection import passed
from .regulator import STEP, Regulator, Settings
from .stage import PeltierStage, Stage

INIT, READY, RUN, ERROR, RESETTING = 0, 1, 2, 3, 5
"""Values of parameter 104."""

TCP_PORT = 50000
INIT_TIME = 1.0
"""s from power-up until it is ready."""
NOTICE = 0.2
"""s that it still answers after a reset was ordered: status 5."""
OFFLINE = 3.0
"""s from a reset until it answers again ("seconds" in the sheet)."""
SAVE_TIME = 0.5
"""s until a setting has been written to flash; the true time is unknown."""
TEMPERATURE_NOISE = 1e-3
"""K rms of a temperature reading."""
CURRENT_NOISE = 1e-3
"""A and V rms of a current or voltage reading."""
SETTLED = 1e-9
"""K a round below which nothing moves any more, and time may leap."""
EMERGENCY_STOP = 11


class Tec1091:
    """One device with one stage; `converse` takes up one connection.

    `now` tells bench time in s; the device has been on for a while when it is first asked.
    `firmware` 600 and later saves settings on command only; earlier
    versions save each by itself, unless parameter 108 forbids it. Channel 2 has parameters, as the
    real device's metadata shows, but no output: it reads 0.
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        stage: Stage | None = None,
        seed: int = 0,
        serial: int = 5021,
        address: int = 2,
        firmware: int = 512,
        device_type: int = 1091,
        hw_enable: bool = True,
    ) -> None:
        self._now = now
        self.stage: Stage = PeltierStage() if stage is None else stage
        self.faults = Faults()
        self.serial = serial
        self.firmware = firmware
        self.device_type = device_type
        self.hw_enable = hw_enable
        """the hardware line that output mode 3 looks at"""
        self.amps = 0.0
        self._noise = np.random.default_rng([seed, serial])
        self._flash = {
            (number, instance): to_float32(parameter.new) if parameter.kind == 0 else parameter.new
            for number, parameter in TABLE.items()
            if parameter.writable
            for instance in range(1, parameter.instances + 1)
        }
        self._flash[2051, 1] = address
        self.settings = dict(self._flash)
        self._unsaved: dict[tuple[int, int], float] = {}
        self._regulator = Regulator()
        self._error = (0, 0, 0)
        self._error_at = 0.0
        self._time: float | None = None
        self._born = 0.0
        self._reset_at: float | None = None
        self._save_due = math.inf

    def converse(self, send: Callable[[bytes], None]) -> PortConversation:
        """A new connection."""
        return PortConversation(self, send)

    @property
    def doors(self) -> tuple[Door, ...]:
        """A serial port, and the Ethernet adapter's raw socket."""
        return (
            Door("serial", None, self.converse),
            Door("tcp", TCP_PORT, self.converse, "through an Ethernet adapter"),
        )

    @property
    def own_faults(self) -> dict[str, OwnFault]:
        """`error=NUMBER` stops it, `sensor=open` or `well`, `hot=CELSIUS`, `supply=VOLTS`,
        `refuse=CODE` (0: no more).
        """
        return orders(self.faults, self.stop_on_error)

    @property
    def identification(self) -> str:
        """Answer to `?IF`: 20 characters."""
        return f"{self.device_type}-TEC FW {self.firmware}".ljust(20)[:20]

    @property
    def address(self) -> int:
        """The device's own address."""
        return int(self.settings[2051, 1])

    @property
    def saves_on_command(self) -> bool:
        """Whether the firmware knows `SP`."""
        return self.firmware >= 600

    def knows(self, number: int) -> bool:
        """Whether this firmware has a parameter."""
        if number in (SAVE_OFF, FLASH_STATUS) and self.saves_on_command:
            return False
        return number in TABLE

    @property
    def offline(self) -> bool:
        """True while it restarts and answers nothing."""
        time = self.advance()
        return self._reset_at is not None and time > self._reset_at + NOTICE

    @property
    def status(self) -> int:
        """Parameter 104."""
        if self._reset_at is not None:
            return RESETTING
        if self._error[0]:
            return ERROR
        if self._initialising:
            return INIT
        return RUN if self.driving else READY

    @property
    def _initialising(self) -> bool:
        return self._time is not None and self._time < self._born + INIT_TIME

    @property
    def driving(self) -> bool:
        """Whether the output stage is on."""
        if self._error[0] or self._initialising:
            return False
        mode = self.settings[2010, 1]
        return (
            mode == 1
            or (mode == 2 and self.settings[50000, 1] == 1)
            or (mode == 3 and self.hw_enable)
        )

    def read(self, number: int, instance: int) -> float:
        """The present value of a parameter that there is."""
        self.advance()
        if (number, instance) in self.settings:
            return self.settings[number, instance]
        measured = self._measured(number)
        return measured if instance == 1 else 0.0

    def _measured(self, number: int) -> float:
        match number:
            case 100:
                return self.device_type
            case 101:
                return 130
            case 102:
                return self.serial
            case 103:
                return self.firmware
            case 104 | 1080:
                return self.status
            case 105 | 106 | 107:
                return self._error[number - 105]
            case 109 | 1081:
                if self.settings[SAVE_OFF, 1] == 1:
                    return 2
                return 1 if self._unsaved else 0
            case 1000:
                return self._object() + self._draw(TEMPERATURE_NOISE)
            case 1001:
                return self.stage.sink_celsius + self._draw(10 * TEMPERATURE_NOISE)
            case 1010:
                return self.settings[3000, 1]
            case 1011:
                ramp = self._regulator.ramp
                return self._object() if ramp is None else ramp
            case 1020:
                return self.amps + self._draw(CURRENT_NOISE)
            case 1021:
                return self._volts() + self._draw(CURRENT_NOISE)
            case 1060:
                return self.faults.supply_volts
            case 1063:
                return self.faults.device_celsius
            case 1200:
                return self._stability()
        return 0  # nothing of it is simulated

    def _stability(self) -> int:
        """Parameter 1200."""
        if not (self.driving and self.settings[2000, 1] == 2):
            return 0
        return 2 if self._regulator.stable(self._object(), self._loop_settings()) else 1

    def write(self, number: int, instance: int, value: float) -> None:
        """Set a parameter to a value that it allows."""
        time = self.advance()
        self.settings[number, instance] = value
        if not self.saves_on_command:
            self._unsaved[number, instance] = value
            self._save_due = time + SAVE_TIME

    def save(self) -> None:
        """`SP`: everything into flash."""
        self._flash = dict(self.settings)

    def reset(self) -> None:
        """`RS`: offline a little later, for seconds."""
        self._reset_at = self.advance()

    def stop_on_error(self, number: int, instance: int = 1, parameter: int = 0) -> None:
        """Output off, status error, until a reset. The first error stays."""
        self._stop(self.advance(), number, instance, parameter)

    def _stop(self, time: float, number: int, instance: int, parameter: int) -> None:
        if not self._error[0]:
            self._error = (number, instance, parameter)
            self._error_at = time
            self._switch_off()

    def advance(self) -> float:
        """Bring stage, loop and states up to now; returns the time of the loop's last round."""
        now = self._now()
        if self._time is None:
            self._time = now
            self._born = -math.inf
        while self._time + STEP <= now:
            before = self.stage.object_celsius, self.stage.sink_celsius, self._regulator.ramp
            waiting = self._events(self._time)
            self._round(self._time)
            self._time += STEP
            still = (
                abs(self.stage.object_celsius - before[0]) < SETTLED
                and abs(self.stage.sink_celsius - before[1]) < SETTLED
                and self._regulator.ramp == before[2]
            )
            if still and not waiting:
                rounds = math.floor((now - self._time) / STEP)
                if self._regulator.stable_for > 0.0:
                    self._regulator.stable_for += rounds * STEP
                self._time += rounds * STEP
        self._events(self._time)
        return self._time

    def _events(self, time: float) -> bool:
        """What the time has brought besides temperatures; True when more is to come."""
        if self._reset_at is not None and time >= self._reset_at + OFFLINE:
            self._boot(time)
        if time >= self._save_due:
            if self.settings[SAVE_OFF, 1] == 0:
                self._flash.update(self._unsaved)
            self._unsaved.clear()
            self._save_due = math.inf
        delay = self.settings[6310, 1]
        if self._error[0] and delay > 0.0 and time >= self._error_at + delay:
            self._boot(time)
        return (
            self._reset_at is not None
            or self._save_due < math.inf
            or (self._error[0] != 0 and delay > 0.0)
            or self._initialising
        )

    def _boot(self, time: float) -> None:
        self.settings = dict(self._flash)
        self._unsaved.clear()
        self._error = (0, 0, 0)
        self._reset_at = None
        self._born = time
        self._switch_off()

    def _switch_off(self) -> None:
        self.amps = 0.0
        self._regulator.stop()

    def _round(self, time: float) -> None:
        found = passed(self.settings, self.faults, self.amps, self._volts(), self._object())
        if found is not None:
            self._stop(time, found[0], 1, found[1])
        if not self.driving or self._reset_at is not None:
            self._switch_off()
        else:
            wanted = self._wanted()
            most = self._most_amps(wanted)
            self.amps = max(-most, min(most, wanted))
        self.stage.advance(self.amps, STEP)

    def _wanted(self) -> float:
        if self.settings[2000, 1] == 2:
            return self._regulator.round(self._object(), self._loop_settings())
        self._regulator.stop()
        return self.settings[2020 if self.settings[2000, 1] == 0 else 50001, 1]

    def _most_amps(self, wanted: float) -> float:
        """The current at which the limits of current and voltage hold."""
        selection = self.settings[2000, 1]
        if selection == 2:
            volts = self.settings[2031, 1]
        else:
            volts = self.settings[2021 if selection == 0 else 50002, 1]
        most = self.settings[2030, 1] if selection == 2 else abs(wanted)
        direction = math.copysign(1.0, wanted)
        one = abs(self.stage.volts(direction) - self.stage.volts(0.0))
        room = volts - direction * self.stage.volts(0.0)
        return max(0.0, min(most, room / one))

    def _object(self) -> float:
        return -200.0 if self.faults.sensor_open else self.stage.object_celsius

    def _volts(self) -> float:
        return self.stage.volts(self.amps) if self.driving else 0.0

    def _draw(self, sigma: float) -> float:
        return float(self._noise.normal(0.0, sigma))

    def _loop_settings(self) -> Settings:
        numbers = (3000, 3002, 3003, 3010, 3011, 3012, 2030, 2031, 4040, 4041)
        return Settings(*(self.settings[number, 1] for number in numbers))
