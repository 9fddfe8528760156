"""Brings uv to a machine that has only Python: the locked wheel from PyPI, checked against the lock file.

    python3 install_uv.py LOCK_FILE TARGET

Only the standard library is used, not even pip: some systems ship Python without it.
"""

import hashlib
import io
import platform
import sys
import sysconfig
import urllib.request
import zipfile
from pathlib import Path

OLDEST_PYTHON = (3, 11)
TIMEOUT_S = 120


def main(lock_file: Path, target: Path) -> None:
    """Put the program uv at `target`; end with a message where that cannot be done."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"Carewire needs Python 3.11 or newer; this is {platform.python_version()}. Set PYTHON=python3.11.")
    wheel = locked_wheel(lock_file.read_text("utf-8"), platform_tag())
    if wheel is None:
        sys.exit(f"There is no uv for {platform.platform()} on PyPI; install uv by hand and run this again.")
    print(f"uv is not on PATH: fetching {wheel['url'].rpartition('/')[2]}", flush=True)
    content = fetch(wheel["url"])
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != wheel["hash"]:
        sys.exit("What was fetched is not the locked uv; check what stands between here and PyPI, and run this again.")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_bytes(program_in(content))
    part.chmod(0o755)
    part.replace(target)


def platform_tag() -> str:
    """The end of the names of wheels that fit this machine: of its C library on Linux, of its processor elsewhere."""
    system, machine = platform.system(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if system == "Linux" else "arm64"}.get(machine, machine)
    if system == "Linux":
        libc = "musllinux" if "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "") else "manylinux"
        return f"{libc}*_{machine}"
    return f"macosx*_{machine}" if system == "Darwin" else f"win*_{machine.replace('x86_64', 'amd64')}"


def locked_wheel(lock_text: str, tag: str) -> "dict[str, str] | None":
    """The wheel of uv in a uv.lock, with `url` and `hash`, whose platform fits the tag."""
    # Here and not above, so that a Python which is too old gets as far as the message that says so.
    import tomllib

    family, _, machine = tag.partition("*")
    packages = tomllib.loads(lock_text)["package"]
    wheels: list[dict[str, str]] = next((one["wheels"] for one in packages if one["name"] == "uv"), [])
    fitting = (one for one in wheels if family in one["url"] and one["url"].endswith(f"{machine}.whl"))
    return next(fitting, None)


def fetch(url: str) -> bytes:
    """Fetch a file; end with a message where that fails."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 (the lock file says https)
            return bytes(answer.read())
    except OSError as error:
        sys.exit(f"Could not fetch uv ({error}); check the network, or install uv by hand, and run this again.")


def program_in(wheel: bytes) -> bytes:
    """Take the program out of its wheel."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        name = next(name for name in archive.namelist() if name.endswith(("/scripts/uv", "/scripts/uv.exe")))
        return archive.read(name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
