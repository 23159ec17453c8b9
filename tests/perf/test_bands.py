"""Bands: from measurements where there are any, said so where there are none."""

import os
import subprocess
import sys
from statistics import median

import pytest

from warpfive.perf import band


def test_a_band_is_a_factor_either_way():
    found = band("tpot_s", "h200")
    low, high = found.around(10.0)
    assert low * high == pytest.approx(100.0)
    assert "measured rows of h200" in found.basis


def test_a_chip_nobody_measured_has_no_ground_truth():
    found = band("tpot_s", "zhenwu-810e")
    assert found.basis == "no ground truth"
    measured = (band("tpot_s", name).half_width for name in ("a100", "h100", "h200"))
    assert found.half_width >= median(measured)


def test_an_estimate_starts_fast():
    """Processor time of the whole process, which a busy machine stretches less than the clock."""
    before = os.times()
    words = ["-m", "warpfive", "estimate", "--model", "qwen3-8b", "--chip", "h20"]
    subprocess.run([sys.executable, *words], check=True, capture_output=True, timeout=60)
    after = os.times()
    spent = after.children_user + after.children_system
    spent -= before.children_user + before.children_system
    assert spent < 1.0
