"""Shows on the terminal what services write to their log files."""

from pathlib import Path

from carewire_local.progress import Report


class LogEcho:
    """Follows one log file from its present end and reports each new, complete line under a name."""

    def __init__(self, name: str, log: Path, report: Report) -> None:
        self._name = name
        self._log = log
        self._report = report
        self._position = log.stat().st_size if log.exists() else 0

    def show_new_lines(self) -> None:
        """Report what was written since the last call. An unfinished last line waits for its end."""
        if not self._log.exists():
            return
        with self._log.open("rb") as opened:
            opened.seek(self._position)
            new = opened.read()
        complete = new[: new.rfind(b"\n") + 1]
        self._position += len(complete)
        for line in complete.decode("utf-8", errors="replace").splitlines():
            self._report(f"{self._name} | {line}")
