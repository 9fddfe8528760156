"""Runs a command that dies with the process that started it, even if that one is killed by kill -9.

Used as a script, `python -I -S parent_death.py SIGNAL PARENT USER COMMAND...`, and replaced by the command, so
pid and parent stay the same. It imports next to nothing: it runs before every server and service.

SIGNAL  the number of the signal that the kernel sends when the parent is gone
PARENT  the pid of the expected parent: if it died before the kernel was told, the command is not started
USER    `uid:gid` to become first (a change of user resets the death signal), or `-` to stay
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(arguments: list[str]) -> None:
    """Become the user, tie the life of this process to its parent's, and run the command."""
    death_signal, parent, user, *command = arguments
    if user != "-":
        _become(user)
    if sys.platform == "linux":
        _die_with_parent(int(death_signal), int(parent))
    os.execvp(command[0], command)


def _become(user: str) -> None:
    uid, gid = (int(part) for part in user.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _die_with_parent(death_signal: int, parent: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        raise SystemExit("the parent is gone")


if __name__ == "__main__":
    main(sys.argv[1:])
