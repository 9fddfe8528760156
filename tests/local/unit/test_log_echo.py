"""Showing the logs of services."""

from pathlib import Path

from carewire_local.log_echo import LogEcho


def test_only_new_and_complete_lines_are_shown(tmp_path: Path) -> None:
    log, shown = tmp_path / "ingress.log", list[str]()
    log.write_text("of an earlier run\n")
    echo = LogEcho("ingress", log, shown.append)
    with log.open("a") as opened:
        opened.write("first\nsec")
        opened.flush()
        echo.show_new_lines()
        assert shown == ["ingress | first"]
        opened.write("ond\n")
        opened.flush()
        echo.show_new_lines()
    assert shown == ["ingress | first", "ingress | second"]


def test_a_log_that_does_not_exist_yet_shows_nothing(tmp_path: Path) -> None:
    shown = list[str]()
    LogEcho("ingress", tmp_path / "none.log", shown.append).show_new_lines()
    assert shown == []
