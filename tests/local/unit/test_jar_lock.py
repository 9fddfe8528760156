"""The lock of the Kafka distribution."""

import pytest

from carewire_local.jars import Jar, locked_jars, parse_lock, repository_url

DIGEST = "a" * 64


def test_the_lock_holds_the_release_and_a_binding_for_its_logs() -> None:
    names = {jar.file_name for jar in locked_jars()}
    assert len(names) == 45 + 1
    assert {"kafka_2.13-4.3.1.jar", "kafka-clients-4.3.1.jar", "slf4j-simple-1.7.36.jar"} <= names


def test_a_line_is_a_digest_and_a_path_in_a_maven_repository() -> None:
    assert parse_lock(f"{DIGEST}  org/x/1/x-1.jar\n\n") == (Jar("org/x/1/x-1.jar", DIGEST),)


@pytest.mark.parametrize(
    "line", ["org/x/x.jar", f"{DIGEST} org/x.jar", f"{DIGEST}  org/x.zip", "abc  org/x.jar", f"{DIGEST}  ../x.jar"]
)
def test_a_line_of_another_shape_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not a line of the jar lock"):
        parse_lock(line)


def test_the_repository_is_maven_central_unless_another_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAREWIRE_MAVEN_REPOSITORY", raising=False)
    assert repository_url() == "https://repo.maven.apache.org/maven2/"
    monkeypatch.setenv("CAREWIRE_MAVEN_REPOSITORY", "https://mirror.example/maven")
    assert repository_url() == "https://mirror.example/maven/"
