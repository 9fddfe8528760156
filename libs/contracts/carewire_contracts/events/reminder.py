"""`reminder.created`: somebody is reminded of pending activities (reference, section 1.3)."""

from typing import Literal

from carewire_contracts.events.pathway import Pathway
from carewire_contracts.events.personal_data import Personal
from carewire_contracts.events.sequence_number import SequenceNumber
from carewire_contracts.wire import Message


class Recipient(Message):
    """Who is reminded."""

    id: str
    type: str


class RecipientProfile(Message):
    """What is known of them; an anonymous patient has nothing but an id."""

    id: str
    type: str
    name: Personal[str | None] = None
    email: Personal[str | None] = None
    preferred_language: str | None = None


class Reminder(Message):
    """The reminder and its counts."""

    recipient: Recipient
    recipient_profile: RecipientProfile
    count_new_activities: int
    count_reminders: int


class ReminderCreated(Message):
    """A reminder was made."""

    event_type: Literal["reminder.created"] = "reminder.created"
    reminder: Reminder
    pathway: Pathway
    sequence: SequenceNumber = None
