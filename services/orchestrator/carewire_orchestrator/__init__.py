"""Requests become patients, care flows and domain events."""
