"""Peak memory: it sees what was allocated and given back, and can be set back to now."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
from inferspeed_magic.measurement.memory import peak_resident_mb, reset_peak
before = peak_resident_mb()
hoard = b"x" * 200_000_000
del hoard
high = peak_resident_mb()
reset_peak()
print(before, high, peak_resident_mb())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can set the peak back")
def test_the_peak_of_a_phase():
    said = subprocess.run([sys.executable, "-c", SCRIPT], check=True, capture_output=True, text=True).stdout
    before, high, after = map(float, said.split())
    assert high - before == pytest.approx(200, abs=20)
    assert after < high - 150
