"""Settings that an instrument knows by number: switches as 1 and 0, words as their place."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.quantity import Quantity, Value


@dataclass(frozen=True)
class NumberedSwitch(Quantity):
    """A switch whose two states are numbers on the wire; `yes` is the one that means True."""

    kind: type[bool] = bool  # type: ignore[assignment]  # narrower than the base's
    yes: str = "1"
    no: str = "0"

    def text(self, value: Value) -> str:
        """`1` or `0`."""
        return self.yes if value else self.no

    def parse(self, text: str) -> Value:
        """Read an answer, signed or not. Raises `ValueError` for any other number."""
        number = text.strip().removeprefix("+")
        if number not in (self.yes, self.no):
            raise ValueError(f"{self.name}: {text!r} is neither {self.yes} nor {self.no}")
        return number == self.yes


@dataclass(frozen=True)
class NumberedWord(Quantity):
    """One of `choices`, its number on the wire in `words`."""

    kind: type[str] = str  # type: ignore[assignment]  # narrower than the base's

    def parse(self, text: str) -> Value:
        """Read an answer, signed or not. Raises `ValueError` for a number without a word."""
        return super().parse(text.strip().removeprefix("+"))


def numbered(*choices: str) -> dict[str, str]:
    """`words` of choices that are numbered from 0."""
    return {choice: str(number) for number, choice in enumerate(choices)}
