"""The newcomer's first command."""

import subprocess
import sys
from pathlib import Path

from carewire_testing.leftovers import at_work_in


def test_the_demo_shows_the_journey_and_leaves_no_process_behind(stack_folder: Path) -> None:
    command = [str(Path(sys.executable).with_name("carewire")), "demo", "--state", str(stack_folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for step in ("202", "care flow started", "form submitted", "pathway.completed", "422"):
        assert step in done.stdout
    assert done.stdout.count("signature verified by the package standardwebhooks") == 2
    assert done.stdout.splitlines()[-1].startswith("Stopped; nothing is left running. Next:")
    assert at_work_in(stack_folder) == []
