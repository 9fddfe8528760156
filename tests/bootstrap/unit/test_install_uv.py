"""Bringing uv to a bare machine: the locked wheel of this platform, or a message that says what to do."""

import hashlib
import importlib.util
import io
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
LOCK = (ROOT / "uv.lock").read_text("utf-8")


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install_uv", ROOT / "deploy" / "bootstrap" / "install_uv.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


install_uv = _load()


def wheel_with(program: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("uv-1.data/scripts/uv", program)
        archive.writestr("uv-1.dist-info/METADATA", b"")
    return packed.getvalue()


def lock_file(folder: Path, content: bytes) -> Path:
    family, _, machine = install_uv.platform_tag().partition("*")
    url = f"https://files.example/uv-1-py3-none-{family}_1{machine}.whl"
    digest = hashlib.sha256(content).hexdigest()
    path = folder / "uv.lock"
    path.write_text(f'[[package]]\nname = "uv"\nwheels = [{{ url = "{url}", hash = "sha256:{digest}" }}]\n')
    return path


@pytest.mark.parametrize(
    ("tag", "ending"),
    [
        ("manylinux*_x86_64", "manylinux_2_17_x86_64.manylinux2014_x86_64.whl"),
        ("manylinux*_aarch64", "_aarch64.whl"),
        ("musllinux*_x86_64", "musllinux_1_1_x86_64.whl"),
        ("macosx*_arm64", "_arm64.whl"),
        ("win*_amd64", "win_amd64.whl"),
    ],
)
def test_the_lock_file_has_a_wheel_for_each_usual_platform(tag: str, ending: str) -> None:
    wheel: dict[str, Any] = install_uv.locked_wheel(LOCK, tag)
    assert wheel["url"].endswith(ending)
    assert wheel["url"].startswith("https://")
    assert wheel["hash"].startswith("sha256:")


def test_this_machine_finds_its_wheel_and_an_unknown_one_does_not() -> None:
    assert install_uv.locked_wheel(LOCK, install_uv.platform_tag()) is not None
    assert install_uv.locked_wheel(LOCK, "win*_pdp11") is None


def test_the_program_is_put_in_place_and_may_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = wheel_with(b"#!uv")
    monkeypatch.setattr(install_uv, "fetch", lambda _: content)
    target = tmp_path / "bin" / "uv"
    install_uv.main(lock_file(tmp_path, content), target)
    assert target.read_bytes() == b"#!uv"
    assert target.stat().st_mode & 0o111


def test_another_content_than_the_locked_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install_uv, "fetch", lambda _: wheel_with(b"evil"))
    target = tmp_path / "uv"
    with pytest.raises(SystemExit, match="not the locked uv"):
        install_uv.main(lock_file(tmp_path, wheel_with(b"good")), target)
    assert not target.exists()


def test_a_network_that_fails_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(install_uv.urllib.request, "urlopen", refuse)
    with pytest.raises(SystemExit, match="check the network"):
        install_uv.fetch("https://files.example/uv.whl")


def test_a_python_that_is_too_old_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install_uv.sys, "version_info", (3, 9))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11"):
        install_uv.main(tmp_path / "uv.lock", tmp_path / "uv")
