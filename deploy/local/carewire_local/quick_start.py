"""Halves the start of Kafka: the JVM loads its classes from an archive that a first, short run has recorded.

An ahead-of-time cache (https://openjdk.org/jeps/514, Java 25) took the start from 2.8 s to 1.4 s. It is made
once for each Java and kept beside the jars. Without one, Kafka starts as well, just slower.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from carewire_local.cache import taking_turns
from carewire_local.errors import ServerFailed
from carewire_local.kafka_server import KafkaServer
from carewire_local.ports import Ports
from carewire_local.progress import Report
from carewire_local.state import StateFolder

_ASSEMBLY_DEADLINE_S = 120.0  # 6 s measured on an idle machine


def quick_start_options(java: Path, jars: Sequence[Path], report: Report) -> list[str]:
    """Return the JVM options that use the archive, making it first where it is missing; none where it can't be."""
    image = java.resolve().parents[1] / "lib" / "modules"
    if not image.exists() or not _is_java_25(java):
        return []
    folder = jars[0].parent
    archive = folder / f"kafka-{_fingerprint([image, *jars])}.aot"
    if not archive.exists():
        with taking_turns(folder):
            if not archive.exists():
                _record(java, jars, archive, report)
    # Verified, because a damaged archive would crash the JVM; and why one is not used is no news for the log.
    return [f"-XX:AOTCache={archive}", "-XX:+VerifySharedSpaces", "-Xlog:disable"] if archive.stat().st_size else []


def _is_java_25(java: Path) -> bool:
    """Read the release file of the runtime: asking `java -version` takes longer."""
    try:
        release = (java.resolve().parents[1] / "release").read_text("utf-8")
    except FileNotFoundError:
        return False
    return 'JAVA_VERSION="25' in release


def _fingerprint(inputs: Sequence[Path]) -> str:
    """Name the archive after what the JVM compares before it accepts one: sizes and times of its inputs."""
    facts = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in inputs]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _record(java: Path, jars: Sequence[Path], archive: Path, report: Report) -> None:
    """Run a broker on a throw-away folder; the JVM writes the archive when it stops."""
    report("preparing Kafka for quick starts (once, about 15 s)")
    folder = Path(tempfile.mkdtemp(prefix="carewire-quick-start-"))
    part = archive.with_suffix(".part")
    state = StateFolder(folder / "state")
    ports = Ports(state)
    state.hold()
    try:
        options = [f"-XX:AOTCacheOutput={part}", "-Xlog:disable"]
        port, controller_port = ports.choose("kafka"), ports.choose("kafka_controller")
        KafkaServer(state, java, jars, port, controller_port).prepare()
        server = KafkaServer(state, java, jars, port, controller_port, options)
        server.start()
        server.stop(_ASSEMBLY_DEADLINE_S)
        # An empty file says that this Java cannot: it is not tried again at every start.
        part.touch()
        part.replace(archive)
    except ServerFailed:
        report("Kafka could not be prepared for quick starts; it starts without")
        archive.touch()
    finally:
        ports.release()
        state.release()
        shutil.rmtree(folder, ignore_errors=True)
