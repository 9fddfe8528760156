"""Postgres: what the orchestrator keeps."""
