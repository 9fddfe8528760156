"""HTTP: the orchestrator's management API under /v1."""
