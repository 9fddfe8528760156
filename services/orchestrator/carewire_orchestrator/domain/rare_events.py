"""Domain events of notes and reminders."""

from carewire_contracts.definition import ClinicalNoteAction
from carewire_contracts.timestamps import format_timestamp
from carewire_orchestrator.domain.activity_details import Document
from carewire_orchestrator.domain.effects import NoteWritten, Reminded
from carewire_orchestrator.domain.release import Release


def tell_note(release: Release, what: NoteWritten, pathway: Document, whose: Document) -> Document:
    """`clinical_note.created`: the note has the id of its activity, under both of the names that the reference has."""
    action = release.actions[what.activity.action_id]
    parts = {one.id: one for one in action.narratives} if isinstance(action, ClinicalNoteAction) else {}
    date = format_timestamp(what.at)
    return {
        "event_type": "clinical_note.created",
        "clinical_note": {
            "id": what.activity.id,
            "clinical_note_id": what.activity.id,
            "date": date,
            "narratives": [
                {"id": part_id, "key": parts[part_id].key, "title": parts[part_id].title, "body": body}
                for part_id, body in what.narratives
            ],
            "context": [{"key": key, "value": value} for key, value in what.context],
        },
        "pathway": pathway,
        **whose,
        "date": date,
    }


def tell_reminder(release: Release, what: Reminded, pathway: Document) -> Document:
    """`reminder.created`: of people a care flow knows their ids alone, and the addresses of its settings."""
    whom = {"id": what.recipient_id, "type": what.recipient_type}
    emails = release.definition.settings.stakeholder_emails
    found = [one.email for one in emails if one.stakeholder_definition_id == what.recipient_id]
    return {
        "event_type": "reminder.created",
        "reminder": {
            "recipient": whom,
            "recipient_profile": {**whom, **({"email": found[0]} if found else {})},
            "count_new_activities": what.open_activities,
            "count_reminders": what.count,
        },
        "pathway": pathway,
    }
