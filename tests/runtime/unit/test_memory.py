"""What a process allocates and frees again and again stays its own."""

import platform
import subprocess
import sys

import pytest

_BURSTS = """
import resource
from carewire_runtime.memory import keep_freed_memory
keep_freed_memory()
def burst():
    held = [bytes(2_000) for _ in range(2_000)]
burst()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    burst()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""Four megabytes, again and again: a thousand pages each time, were they given back."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is one of glibc's allocator")
def test_what_a_burst_frees_serves_the_next_one() -> None:
    told = subprocess.run([sys.executable, "-c", _BURSTS], capture_output=True, check=True, text=True)
    assert int(told.stdout) < 1_000
