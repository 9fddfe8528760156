"""The Kafka distribution: the jars of one pinned release, fetched once and checked at every start.

`kafka.sha256` holds the run-time closure of org.apache.kafka:kafka_2.13:4.3.1 (45 jars, resolved by Maven)
and slf4j-simple: Kafka logs through slf4j and says nothing at all, not even why it dies, without a binding.
"""

import hashlib
import os
import secrets
import ssl
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import certifi
import httpx

from carewire_local.cache import taking_turns
from carewire_local.errors import ChecksumMismatch, DistributionUnavailable
from carewire_local.progress import Counter, Report

KAFKA_VERSION = "4.3.1"
MAVEN_CENTRAL = "https://repo.maven.apache.org/maven2/"
_PARALLEL = 8
_ATTEMPTS = 4
FIRST_PAUSE_S = 0.5


@dataclass(frozen=True)
class Jar:
    """One file of the distribution: its path in a Maven repository and the SHA-256 of its bytes."""

    path: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The last part of the path; unique within the distribution."""
        return self.path.rpartition("/")[2]


def parse_lock(text: str) -> tuple[Jar, ...]:
    """Read a lock in the format of `sha256sum`: one `DIGEST  PATH` a line.

    Raises ValueError for a line of another shape.
    """
    return tuple(_parse_line(line) for line in text.splitlines() if line.strip())


def _parse_line(line: str) -> Jar:
    digest, separator, path = line.partition("  ")
    if not separator or len(digest) != 64 or not path.endswith(".jar") or ".." in path:
        raise ValueError(f"not a line of the jar lock: {line!r}")
    return Jar(path=path, sha256=digest)


def locked_jars() -> tuple[Jar, ...]:
    """Return the jars of the pinned Kafka release."""
    return parse_lock(files("carewire_local").joinpath("kafka.sha256").read_text("utf-8"))


def repository_url() -> str:
    """Return the Maven repository to fetch from: CAREWIRE_MAVEN_REPOSITORY, else Maven Central."""
    return (os.environ.get("CAREWIRE_MAVEN_REPOSITORY") or MAVEN_CENTRAL).rstrip("/") + "/"


def is_intact(file: Path, jar: Jar) -> bool:
    """Tell whether the file is there with exactly the locked bytes."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False


def provide(jars: Sequence[Jar], folder: Path, repository: str, report: Report) -> list[Path]:
    """Return the jars as intact files in `folder`, fetching what is missing or damaged.

    Processes that do this at the same time take turns, so nothing is fetched twice.
    Raises DistributionUnavailable when the repository cannot be reached, ChecksumMismatch when it
    answers with other bytes than the locked ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        if not all(pool.map(lambda jar: is_intact(folder / jar.file_name, jar), jars)):
            with taking_turns(folder):
                _fetch_missing(jars, folder, repository, report, pool)
    return [folder / jar.file_name for jar in jars]


def _fetch_missing(
    jars: Sequence[Jar], folder: Path, repository: str, report: Report, pool: ThreadPoolExecutor
) -> None:
    missing = [jar for jar in jars if not is_intact(folder / jar.file_name, jar)]
    if not missing:
        return
    report(f"fetching Kafka {KAFKA_VERSION} ({len(missing)} jars) from {repository}")
    counter = Counter(report, "fetched", len(missing))
    with httpx.Client(base_url=repository, follow_redirects=True, timeout=30.0, verify=_trusted_roots()) as client:
        for size in pool.map(lambda jar: _fetch(client, jar, folder), missing):
            counter.advance(size)


def _trusted_roots() -> ssl.SSLContext:
    """Trust the machine's own roots and the ones of certifi: a Python build may come without any."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _fetch(client: httpx.Client, jar: Jar, folder: Path) -> int:
    """Fetch one jar, check it, and only then give it its name; return its size in bytes."""
    content = _download(client, jar)
    if hashlib.sha256(content).hexdigest() != jar.sha256:
        raise ChecksumMismatch(
            f"{client.base_url}{jar.path} is not the file that this release is locked to; "
            "nothing was kept. Try again, or choose another repository by CAREWIRE_MAVEN_REPOSITORY."
        )
    part = folder / f".{jar.file_name}.{secrets.token_hex(4)}"
    part.write_bytes(content)
    part.replace(folder / jar.file_name)
    return len(content)


def _download(client: httpx.Client, jar: Jar) -> bytes:
    """Download one jar, with a few attempts: 0.5, 1 and 2 s apart."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return client.get(jar.path).raise_for_status().content
        except httpx.HTTPError as error:
            if attempt == _ATTEMPTS or _is_final(error):
                raise _unavailable(client, jar, error) from error
            time.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1))
    raise AssertionError("the last attempt returns or raises")


def _in_words(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"the repository answered {error.response.status_code}"
    return f"{type(error).__name__} {error}"


def _is_final(error: httpx.HTTPError) -> bool:
    return isinstance(error, httpx.HTTPStatusError) and error.response.status_code in {401, 403, 404, 407}


def _unavailable(client: httpx.Client, jar: Jar, error: httpx.HTTPError) -> DistributionUnavailable:
    return DistributionUnavailable(
        f"could not fetch {client.base_url}{jar.path}: {_in_words(error)}. "
        "Check the network, choose another repository by CAREWIRE_MAVEN_REPOSITORY, "
        "or point to your own broker by CAREWIRE_KAFKA_BOOTSTRAP."
    )
