"""Logs, traces and metrics; none of them ever holds a value of a payload."""
