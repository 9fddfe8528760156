"""Gathers figures in the order in which they are printed."""

from carewire_testing_bench.figures import Figure, Section


class Collector:
    """Takes titles and figures, and gives them away as sections."""

    def __init__(self) -> None:
        self._sections: list[Section] = []

    def title(self, text: str) -> None:
        """Begin a section."""
        self._sections.append(Section(_plain(text)))

    def figure(self, figure: Figure) -> None:
        """Add a figure to the section that was begun last."""
        if not self._sections:
            raise RuntimeError(f"the figure {figure.label!r} stands under no title: begin with one")
        last = self._sections[-1]
        taken = Figure(_plain(figure.label), _plain(figure.text), figure.ratio)
        self._sections[-1] = Section(last.title, (*last.figures, taken))

    def give_away(self) -> tuple[Section, ...]:
        """All that was taken since the last time."""
        sections, self._sections = tuple(self._sections), []
        return sections


def _plain(text: str) -> str:
    """Without the spaces that align it on a console."""
    return " ".join(text.split())
