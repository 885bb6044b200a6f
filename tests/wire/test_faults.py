"""10,000 seeded faults over all drivers: right or a typed error in time, and outputs in limits."""

from __future__ import annotations

import logging

import pytest

from drivers.registry import BUILT_IN
from tests.wire.fault_plans.all_models import PLANS
from tests.wire.fault_storm import Plan, rage

FAULTS = 10_000
EACH = -(-FAULTS // len(BUILT_IN))


@pytest.mark.parametrize("model", sorted(BUILT_IN))
def test_faults(model: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    storm = rage(model, PLANS.get(model, Plan()), EACH)
    assert storm.befallen >= EACH
    assert storm.right > EACH / 10
    assert storm.refused > EACH / 10
