"""Removes what a stack keeps: its data, logs, ports and keys."""

import shutil
from pathlib import Path

from carewire_local.postgres_place import outside_folder
from carewire_local.state import StateFolder


def clean(folder: Path) -> bool:
    """Remove the state of the stack in this folder; tell whether there was any.

    Only what the stack itself has made is removed, and the folder only if it is empty then.
    Raises StateHeld while a stack runs on it.
    """
    if not (folder / "lock").exists():
        return False
    state = StateFolder(folder)
    state.hold()
    try:
        shutil.rmtree(outside_folder(state), ignore_errors=True)
        for path in state.contents():
            _remove(path)
    finally:
        state.release()
    if not any(state.path.iterdir()):
        state.path.rmdir()
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
