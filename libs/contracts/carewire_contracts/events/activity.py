"""`activity.*`: something to do came up, changed or ended (reference, section 1.2 "Shared object: activity").

Enum values are lower case in events. Fields that the evidence has only in part are optional-present.
"""

from typing import Any, Literal

from carewire_contracts.events.pathway import Pathway
from carewire_contracts.events.personal_data import Personal
from carewire_contracts.events.sequence_number import SequenceNumber
from carewire_contracts.timestamps import Timestamp
from carewire_contracts.wire import Message

ActivityStatus = Literal["active", "canceled", "done", "expired", "failed", "deleted"]
Resolution = Literal["success", "failure", "expired"]


class Subject(Message):
    """Who acted: mostly the system itself."""

    type: str
    name: str
    id: str | None = None


class ActivityObject(Message):
    """What an activity is about, or whom it is for. A name or an e-mail may be a patient's."""

    type: str
    id: str | None = None
    name: Personal[str | None] = None
    email: Personal[str | None] = None
    preferred_language: str | None = None


class ActivityTrack(Message):
    """The track that an activity belongs to."""

    title: str
    id: str | None = None


class Label(Message):
    """A coloured label that a designer gave."""

    color: str
    text: str
    id: str | None = None


class SubActivity(Message):
    """One thing that happened within an activity."""

    id: str
    subject: Subject
    action: str
    date: Timestamp
    object: ActivityObject | None = None
    scheduled_date: Timestamp | None = None
    text: dict[str, str] | None = None
    error: str | None = None
    error_category: str | None = None


class ActivityContext(Message):
    """Where an activity stands in its care flow."""

    instance_id: str
    pathway_id: str
    track_id: str | None = None
    step_id: str | None = None
    action_id: str | None = None
    agent_config_id: str | None = None
    agent_id: str | None = None
    agent_thread_id: str | None = None
    run_id: str | None = None


class ActionComponent(Message):
    """The designed action behind an activity."""

    definition_id: str | None = None
    release_id: str | None = None
    title: str | None = None


class Activity(Message):
    """An activity in its webhook form; `stream_id` is the care flow's id."""

    id: str
    stream_id: str
    date: Timestamp
    subject: Subject
    action: str
    object: ActivityObject
    indirect_object: ActivityObject | None = None
    status: ActivityStatus
    resolution: Resolution | None = None
    track: ActivityTrack | None = None
    label: Label | None = None
    sub_activities: tuple[SubActivity, ...] = ()
    isUserActivity: bool  # noqa: N815 - the reference's own spelling
    context: ActivityContext | None = None
    reference_id: str | None = None
    reference_type: Literal["agent", "navigation", "orchestration", "reminder"] | None = None
    container_name: str | None = None
    action_component: ActionComponent | None = None
    form: Personal[dict[str, Any] | None] = None
    form_display_mode: str | None = None
    icon_url: str | None = None
    inputs: Personal[Any] = None
    outputs: Personal[Any] = None
    metadata: Personal[Any] = None
    public: bool | None = None
    session_id: str | None = None
    stakeholders: tuple[ActivityObject, ...] | None = None
    expires_at: Timestamp | None = None


class UserContext(Message):
    """The member of staff who acted."""

    stytch_member_id: str | None = None
    stytch_member_email: Personal[str | None] = None


class ActivityEvent(Message):
    """An activity came up, changed or ended; `user_context` comes with the first three types only."""

    event_type: Literal[
        "activity.created",
        "activity.updated",
        "activity.completed",
        "activity.failed",
        "activity.expired",
        "activity.deleted",
    ]
    activity: Activity
    user_context: UserContext | None = None
    pathway: Pathway | None = None
    pathway_definition_id: str | None = None
    pathway_id: str | None = None
    patient_id: str | None = None
    date: Timestamp | None = None
    sequence: SequenceNumber = None
