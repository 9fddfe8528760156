"""Pictures of definitions: complete, legible, and free of whatever a title may hold."""

import re
from copy import deepcopy
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carewire_contracts.definition import CareFlowDefinition
from carewire_orchestrator.domain.definition_draft import DraftDefinition
from carewire_orchestrator.domain.definition_graph import TrackGraph, graph_of
from carewire_orchestrator.domain.definition_layout import MOST_BENDS, lay_out
from carewire_orchestrator.domain.definition_mermaid import mermaid
from carewire_orchestrator.domain.definition_svg import svg
from carewire_testing_orchestrator.definitions import HIP, checklist, definition, definitions, starts, track

TITLES = st.text(min_size=1, max_size=40) | st.sampled_from(
    [
        '"]',
        "</text><script>",
        "end",
        "a-->b",
        "|x|",
        "#quot;",
        "%%{init: {}}%%",
        "click a call b()",
        "`md`",
        "a;b",
        "&lt;",
    ]
)


def rewritten(title: str) -> CareFlowDefinition:
    """The follow-up with a title everywhere."""

    def rewrite(node: Any) -> None:
        if isinstance(node, dict):
            node.update(dict.fromkeys({"title", "subject"} & node.keys(), title))
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            rewrite(child)

    document = deepcopy(HIP)
    rewrite(document)
    return definition(document)


def drawn(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 (we have drawn it)


def texts(text: str) -> list[str]:
    return ["".join(element.itertext()) for element in drawn(text).iter("{http://www.w3.org/2000/svg}text")]


def test_the_follow_up_as_mermaid_text() -> None:
    assert mermaid(graph_of(definition(HIP))).splitlines() == [
        "flowchart TD",
        '  subgraph t1["Follow-up"]',
        '    t1start(["Start<br/>when the care flow starts"])',
        '    t1s1["Eligibility"]',
        '    t1s2["Not eligible<br/>stop care flow: Stop<br/>message: Never"]',
        '    t1s3["Week 1<br/>message: Welcome<br/>form: Pain check"]',
        '    t1s4["Call<br/>checklist: Call the patient"]',
        '    t1trackend(["End of the track"])',
        "    t1start --> t1s1",
        '    t1s1 -->|"if Age is less than 18"| t1s2',
        '    t1s1 -->|"otherwise"| t1s3',
        '    t1s3 -->|"if Pain today is greater than 6"| t1s4',
        '    t1s3 -->|"otherwise"| t1trackend',
        "  end",
    ]


PARTS: dict[str, tuple[dict[str, Any], str]] = {
    "a delay": ({"type": "delay", "delay": {"amount": 1, "unit": "week"}}, "for 1 week"),
    "a date": ({"type": "data_point_reference", "data_point_definition_id": "dp_surgery"}, "until Date of surgery"),
    "a time before a date": (
        {
            "type": "data_point_reference",
            "data_point_definition_id": "dp_surgery",
            "offset": {"amount": -2, "unit": "day"},
            "time_of_day": "08:30",
        },
        "until 2 days before Date of surgery at 08:30",
    ),
    "an awaited value": (
        {"type": "data_point_awaited", "data_point_definition_id": "q_pain"},
        "until Pain today is known",
    ),
    "an awaited value with an end": (
        {"type": "data_point_awaited", "data_point_definition_id": "q_pain", "timeout": {"amount": 3, "unit": "hour"}},
        "until Pain today is known, at most 3 hours",
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_timer_says_until_when_it_waits(name: str) -> None:
    timer, words = PARTS[name]
    document = deepcopy(HIP)
    document["tracks"][0]["timers"] = [{"id": "w", "key": "w", "title": "Wait", **timer}]
    (place,) = [one for one in graph_of(definition(document))[0].places if one.kind == "timer"]
    assert place.lines == (words,)


TRIGGERS: dict[str, tuple[dict[str, Any], str]] = {
    "a track": ({"type": "track_completed", "track_id": "trk_follow"}, "when Follow-up is completed"),
    "a step": ({"type": "step_completed", "step_id": "stp_pain"}, "when Week 1 is completed"),
    "a value": ({"type": "data_point_collected", "data_point_definition_id": "q_pain"}, "when Pain today is known"),
    "no value": (
        {
            "type": "data_point_not_collected",
            "data_point_definition_id": "q_pain",
            "duration": {"amount": 2, "unit": "day"},
        },
        "when Pain today stays unknown for 2 days",
    ),
    "staff": ({"type": "ad_hoc"}, "by hand"),
    "a rule": (
        {"type": "ad_hoc", "rule": {"any": [{"reference": "dp_side", "operator": "is_any_of", "operand": ["left"]}]}},
        "by hand, if Side is any of left",
    ),
    "nobody known": ({"type": "step_completed", "step_id": "gone"}, "when gone is completed"),
}


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_track_says_what_starts_it(name: str) -> None:
    settings, words = TRIGGERS[name]
    trigger = {"id": "t", "target_id": "trk_follow", "settings": settings}
    (graph,) = graph_of(definition(HIP, triggers=[trigger]))
    assert graph.places[0].lines == (words,)


def test_a_trigger_and_an_arrow_say_how_long_they_take() -> None:
    document = deepcopy(HIP)
    document["triggers"][0]["timers"] = [{"delay": {"amount": 2, "unit": "day"}}]
    document["tracks"][0]["transitions"][0]["timing"] = {
        "delay": {"amount": -1, "unit": "week"},
        "data_point_definition_id": "dp_surgery",
    }
    document["tracks"][0]["transitions"][1]["rule"] = {
        "any": [
            {"reference": "dp_age", "operator": "is_less_than", "operand": {"data_point": "q_pain"}},
            {"all": [{"reference": "dp_side", "operator": "is_empty"}, {"all": []}]},
        ]
    }
    (graph,) = graph_of(definition(document))
    assert graph.places[0].lines == ("when the care flow starts, after 2 days",)
    assert [arrow.label for arrow in graph.arrows[:2]] == [
        "at 1 week before Date of surgery",
        "if Age is less than Pain today or (Side is empty and (always))",
    ]


def test_the_end_of_the_care_flow_is_a_place_of_its_own() -> None:
    document = deepcopy(HIP)
    document["tracks"][0]["transitions"][4]["destination"] = {"type": "pathway_end"}
    assert graph_of(definition(document))[0].places[-1].title == "End of the care flow"


@given(TITLES)
def test_no_title_can_change_what_a_text_means(title: str) -> None:
    plain, spoilt = (mermaid(graph_of(rewritten(each))) for each in ("Title", title))
    blank = [re.sub(r'"[^"]*"', '""', text) for text in (plain, spoilt)]
    assert blank[0] == blank[1]
    assert not re.search(r"[<>&\\`]", re.sub("<br/>|-->", "", spoilt))


@given(TITLES)
def test_no_title_can_change_what_a_picture_is_made_of(title: str) -> None:
    plain, spoilt = (svg(each, graph_of(rewritten(each))) for each in ("Title", title))
    assert [element.tag for element in drawn(plain).iter()] == [element.tag for element in drawn(spoilt).iter()]


def test_a_long_title_is_cut_and_told_in_full_to_whoever_points_at_it() -> None:
    title = "A" * 100
    picture = svg("x", graph_of(rewritten(title)))
    assert f"{title}\n" in picture
    assert max(len(line) for line in texts(picture) if line != title) <= 60


def test_a_step_with_many_actions_is_drawn_with_some_of_them() -> None:
    one = track("t", {"s": [checklist(f"c{n}") for n in range(20)]}, [("start", "s")])
    lines = texts(svg("x", graph_of(definition(HIP, tracks=[one], triggers=[starts("t")]))))
    assert "checklist: c6" in lines
    assert "and 13 more" in lines


def test_a_definition_without_tracks_is_an_empty_picture() -> None:
    empty = DraftDefinition(id="e", title="Empty")
    assert texts(svg("Empty", graph_of(empty))) == []
    assert mermaid(graph_of(empty)) == "flowchart TD\n"


def graph(document: CareFlowDefinition) -> TrackGraph:
    return graph_of(document)[0]


@given(definitions())
def test_ways_lead_down_one_layer_at_a_time_and_every_place_is_drawn_once(one: CareFlowDefinition) -> None:
    for graph in graph_of(one):
        layout = lay_out(graph)
        layers = {key: number for number, layer in enumerate(layout.layers) for key in layer}
        assert sum(map(len, layout.layers)) == len(layers)
        assert {place.key for place in graph.places} <= layers.keys()
        for arrow, way in zip(graph.arrows, layout.ways, strict=True):
            assert (way[0], way[-1]) == (arrow.origin, arrow.destination)
            assert [layers[key] for key in way] == list(range(layers[way[0]], layers[way[-1]] + 1))


@given(definitions())
def test_nothing_lies_upon_another(one: CareFlowDefinition) -> None:
    boxes = [
        tuple(float(element.attrib[name]) for name in ("x", "y", "width", "height"))
        for element in drawn(svg("x", graph_of(one))).iter("{http://www.w3.org/2000/svg}rect")
        if element.attrib["class"] == "box"
    ]
    for place, (x, y, width, height) in enumerate(boxes):
        for other_x, other_y, other_width, other_height in boxes[place + 1 :]:
            assert (
                x + width <= other_x
                or other_x + other_width <= x
                or y + height <= other_y
                or other_y + other_height <= y
            )


def test_a_circle_of_a_draft_is_drawn_too() -> None:
    steps: dict[str, list[dict[str, Any]]] = {name: [] for name in "abc"}
    arrows = [("start", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("c", "c"), ("a", "nobody")]
    circle = graph(definition(HIP, tracks=[track("t", steps, arrows)]))
    assert [len(layer) for layer in lay_out(circle).layers] == [1, 1, 1, 1]
    assert len(circle.arrows) == 5, "an arrow to nowhere is left out"
    assert len(drawn(svg("x", (circle,))).findall(".//*[@class='way']")) == 5


def test_a_huge_track_is_laid_out_without_a_bend_too_many() -> None:
    names = [f"s{number}" for number in range(2_500)]
    steps: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    chain = list(zip(["start", *names], names, strict=False))
    far = [("start", name) for name in names[-20:]]
    layout = lay_out(graph(definition(HIP, tracks=[track("t", steps, [*chain, *far])])))
    assert len(layout.layers) == len(names) + 1
    assert sum(map(len, layout.layers)) <= len(names) + 1 + MOST_BENDS


def test_branches_stand_above_what_they_lead_to() -> None:
    steps: dict[str, list[dict[str, Any]]] = {name: [] for name in ("a", "b", "x", "y")}
    crossed = [("start", "a"), ("start", "b"), ("a", "y"), ("b", "x")]
    layers = lay_out(graph(definition(HIP, tracks=[track("t", steps, crossed)]))).layers
    assert layers[1:] == (("t1s1", "t1s2"), ("t1s4", "t1s3")), "no way crosses another"
