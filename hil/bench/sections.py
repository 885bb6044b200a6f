"""The tables of a bench file, each as a frozen pydantic model. Units are SI throughout."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from hil.bench.catalogue import (
    BOX_BASE_RATE,
    BOX_MAX_DECIMATION,
    PATTERN_LINES,
    outputs_of,
    registered,
)
from hil.bench.layout import Kind, Place

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Index = Annotated[int, Field(ge=0)]
LineNumber = Annotated[int, Field(ge=0, lt=PATTERN_LINES)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class Section(BaseModel):
    """A table whose keys are all known, whose numbers are finite and whose types are TOML's own."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Timing(Section):
    """How a sample is held and read."""

    dwell: Positive
    """Seconds a sample is held."""
    guard: NotNegative
    """Seconds dropped at the start of each sample."""
    decimation: Annotated[int | None, Field(ge=1, le=BOX_MAX_DECIMATION)] = None
    """Of the boxes' base rate: one point lasts decimation / 125 MS/s."""
    point: Positive | None = None
    """Seconds a point lasts, where the readout is no box."""
    average: bool = True
    """Whether a point is the mean over its duration, or the value at its start."""
    settle: NotNegative
    """Seconds from the last heater write to the first frame."""

    @property
    def point_duration(self) -> float:
        """Seconds a point lasts, told as such or by the decimation."""
        if self.point is not None:
            return self.point
        return (self.decimation or 1) / BOX_BASE_RATE


class Chip(Section):
    """What every bank's chip bears."""

    power_max: Positive
    """Watts of heater power in all."""
    p_pi: Positive
    """Watts for a phase of pi, nominal: sets the training start and the unit of reports. Of a
    microring bench that unit alone: the power that takes a ring across its resonance."""
    idle_voltage: NotNegative
    """Volts, the least bias on a heater while the chip is warm."""
    ramp_time: NotNegative = 0.5
    """Seconds to bring all heaters from rest to operating power, or back."""
    ramp_steps: Annotated[int, Field(ge=1, le=1000)] = 10
    """Equal steps of power that a ramp is made of."""
    warm_up: NotNegative = 2.0
    """Seconds after a large change of levels until the chip's slow thermal tail is gone."""


StepName = Literal[
    "dark",
    "detector",
    "modulator",
    "switch",
    "phases",
    "global",
    "crosstalk",
    "offsets",
    "resonances",
    "weights",
    "lock",
    "verify",
]
"""The steps of a calibration, of a mesh or of microring banks."""


class StepAges(Section):
    """Hours after which what a step found is too old; None: `max_age_hours` holds."""

    dark: Positive | None = None
    detector: Positive | None = None
    modulator: Positive | None = None
    switch: Positive | None = None
    phases: Positive | None = None
    global_: Annotated[Positive | None, Field(alias="global")] = None
    crosstalk: Positive | None = None
    offsets: Positive | None = None
    resonances: Positive | None = None
    weights: Positive | None = None
    lock: Positive | None = None
    verify: Positive | None = None


class Calibration(Section):
    """How long a calibration holds."""

    max_age_hours: Positive = 24.0
    """Hours, of every step that `ages` does not name."""
    ages: StepAges = StepAges()

    def max_age(self, step: StepName) -> float:
        """Give the seconds after which what a step found is too old."""
        hours: float | None = getattr(self.ages, "global_" if step == "global" else step)
        return 3600.0 * (self.max_age_hours if hours is None else hours)


class Guarding(Section):
    """The process that drives the bench off when its controller is killed or hangs."""

    patience: Annotated[float, Field(ge=1.0, le=3600.0)] = 30.0
    """Seconds without a heartbeat of the control loop after which the controller counts as hung."""


class Link(Section):
    """What an exchange with an instrument costs: for planning and for the simulated link."""

    latency: NotNegative
    """Seconds an exchange."""
    bytes_per_second: Positive
    read_bytes_per_second: Positive | None = None
    """The rate of answers, where it is not the same."""


class ExpectedIdentity(Section):
    """What must answer at a resource."""

    maker: str | None = None
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None

    @property
    def expect(self) -> dict[str, str]:
        """The parts that the file states, for a driver's `expect`."""
        return self.model_dump(exclude_none=True)


class Instrument(Section):
    """One instrument of the bench."""

    name: Name
    driver: Annotated[str, AfterValidator(registered)]
    resource: Annotated[str, Field(min_length=1)]
    backend: Literal["sim", "real"] | None = None
    """None: the command's --backend."""
    identity: ExpectedIdentity = ExpectedIdentity()
    link: Link
    options: dict[str, Any] = {}
    """Keyword arguments of the driver, by its own names."""

    @property
    def modules(self) -> int:
        """Modules of heater channels, as its driver and its options say; 0 of one without any."""
        layout = outputs_of(self.driver)
        # A value of the wrong type is reported by the checks; here it must only not break them.
        return 0 if layout is None else layout.fitted(self.options)


class ElementSite(Section):
    """Which element it is."""

    bank: Index
    column: Index
    row: Index
    kind: Kind

    @property
    def place(self) -> Place:
        """Where the element sits on its bank's chip."""
        return Place(self.column, self.row, self.kind)


class ElementDrive(Section):
    """Which channel drives an element."""

    chassis: str
    module: Index
    channel: Index


class ElementBounds(Section):
    """What an element's heater bears."""

    r_nom: Positive
    """Ohms: level = V^2 / r_nom."""
    v_max: Positive
    i_max: Positive
    p_max: Positive

    @property
    def level_max(self) -> float:
        """The highest level all three limits allow, W: min(p_max, v_max^2/r_nom, i_max^2 r_nom)."""
        return min(self.p_max, self.v_max**2 / self.r_nom, self.i_max**2 * self.r_nom)


class ElementWiring(ElementSite, ElementDrive, ElementBounds):
    """One heater: where it sits, what drives it, what it bears."""


class PortNumber(Section):
    """Which port it is."""

    port: Index


class PortBox(Section):
    """What drives a port and what reads it: one box for both, or an instrument each.

    `minus` and `minus_input`: the other half of a balanced pair of inputs, whose difference counts.
    """

    box: str | None = None
    source: str | None = None
    output: Annotated[int, Field(ge=1, le=64)]
    readout: str | None = None
    input: Annotated[int, Field(ge=1, le=64)]
    minus: str | None = None
    minus_input: Annotated[int | None, Field(ge=1, le=64)] = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        apart = self.source is not None and self.readout is not None
        if (self.box is None) != apart or (self.box and (self.source or self.readout)):
            raise ValueError("name either `box`, or both `source` and `readout`")
        if (self.minus is None) != (self.minus_input is None):
            raise ValueError("`minus` and `minus_input` go together")
        return self

    @property
    def plays(self) -> str:
        """Name of the instrument that drives the modulator."""
        return self.box or self.source or ""

    @property
    def reads(self) -> str:
        """Name of the instrument that reads the detector, of a pair its first half."""
        return self.box or self.readout or ""

    @property
    def inputs(self) -> tuple[tuple[str, int], ...]:
        """Instrument and input of what is read: one, or the two halves of a pair."""
        first = ((self.reads, self.input),)
        if self.minus is None or self.minus_input is None:
            return first
        return (*first, (self.minus, self.minus_input))


class PortDrive(Section):
    """How far a port's modulator is driven."""

    v_pi: Positive
    """Modulator volts for a phase of pi."""
    drive_gain: Positive
    """Modulator volts per instrument volt."""

    def reach(self, full_scale: float) -> float:
        """The largest |u| that an output of `full_scale` V makes, in units of V_pi."""
        return self.drive_gain * full_scale / self.v_pi


class PortWiring(PortNumber, PortBox, PortDrive):
    """One port: the modulator before it and the detector behind it."""

    polarity: Literal[1, -1]
    """Sign of the modulator's drive; the detector's path is not affected."""
    detector_range: Positive
    """Signal units at 1 V (a power meter: 1 W) of the input."""


class Lines(Section):
    """Lines of the pattern generator."""

    trigger: LineNumber
    signal_gate: LineNumber
    lo_gate: LineNumber | None = None
    """Gates the local oscillator; a bench of balanced detection has none."""
    lo_quadrature: LineNumber | None = None
    """High: the local oscillator a quarter wave later. None: the bench cannot step it."""
    bank_select: Annotated[tuple[LineNumber, ...], Field(strict=False)]
    coding: Literal["one-hot", "binary"]
    """One line a bank, or the bank's index in the lines (first: least significant bit)."""

    @property
    def capacity(self) -> int:
        """How many banks the select lines can tell apart."""
        count = len(self.bank_select)
        return count if self.coding == "one-hot" else 2**count

    def select_mask(self, bank: int) -> int:
        """Give the lines that are high while `bank` is selected, as a bit mask.

        Raises
        ------
        ValueError
            If the lines cannot select that bank.
        """
        if not 0 <= bank < self.capacity:
            raise ValueError(
                f"bank {bank} cannot be selected: {len(self.bank_select)} select lines in "
                f"{self.coding} coding serve banks 0 to {self.capacity - 1}"
            )
        if self.coding == "one-hot":
            return 1 << self.bank_select[bank]
        return sum(1 << line for bit, line in enumerate(self.bank_select) if bank >> bit & 1)


class Wiring(Section):
    """What is joined to what."""

    elements: Annotated[tuple[ElementWiring, ...], Field(strict=False)]
    ports: Annotated[tuple[PortWiring, ...], Field(strict=False)]
    lines: Lines
