"""The digital and slow analogue pins of the box."""

from __future__ import annotations

from sim_backends.engine.errors import ScpiError
from sim_backends.engine.parameters import arguments, boolean, choice, number
from sim_backends.engine.session import Reply, ScpiSession

_LEDS = tuple(f"LED{index}" for index in range(8))
_PINS = (
    *_LEDS,
    *(f"DIO{index}_P" for index in range(8)),
    *(f"DIO{index}_N" for index in range(8)),
)
_OUTPUTS = tuple(f"AOUT{index}" for index in range(4))
_INPUTS = tuple(f"AIN{index}" for index in range(4))
_MOST_VOLTS = 1.8


class Pins:
    """Directions and states of LEDs, DIO0..7_P/_N, and the slow analogue outputs."""

    def __init__(self) -> None:
        self.reset()
        self.reset_analog()

    def reset(self) -> None:
        """DIG:RST: all pins inputs and low."""
        self.outputs = set(_LEDS)
        self.states = dict.fromkeys(_PINS, False)

    def reset_analog(self) -> None:
        """ANALOG:RST: all slow outputs at 0 V."""
        self.analog = dict.fromkeys(_OUTPUTS, 0.0)

    def set_direction(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        """DIG:PIN:DIR OUT|IN,<pin>."""
        words = arguments(text, 2, 2)
        direction = choice(words[0], ("IN", "OUT"))
        pin = choice(words[1], _PINS)
        if direction == "OUT":
            self.outputs.add(pin)
        elif pin in _LEDS:
            raise ScpiError(-224)
        else:
            self.outputs.discard(pin)

    def direction(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        """DIG:PIN:DIR? <pin>."""
        pin = choice(arguments(text, 1, 1)[0], _PINS)
        return "OUT" if pin in self.outputs else "IN"

    def set_state(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        """DIG:PIN <pin>,<0|1>."""
        words = arguments(text, 2, 2)
        pin = choice(words[0], _PINS)
        state = boolean(words[1])
        if pin not in self.outputs:
            raise ScpiError(-221)
        self.states[pin] = state

    def state(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        """DIG:PIN? <pin>."""
        return str(int(self.states[choice(arguments(text, 1, 1)[0], _PINS)]))

    def set_analog(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> None:
        """ANALOG:PIN AOUT#,<0..1.8 V>."""
        words = arguments(text, 2, 2)
        pin = choice(words[0], _OUTPUTS)
        volts = number(words[1])
        if not 0.0 <= volts <= _MOST_VOLTS:
            raise ScpiError(-222)
        self.analog[pin] = volts

    def analog_value(self, session: ScpiSession, suffixes: tuple[int, ...], text: str) -> Reply:
        """ANALOG:PIN? <AIN#|AOUT#>; nothing is joined to the inputs."""
        pin = choice(arguments(text, 1, 1)[0], (*_OUTPUTS, *_INPUTS))
        return f"{self.analog.get(pin, 0.0):g}"
