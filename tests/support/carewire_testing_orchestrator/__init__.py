"""What the tests of the orchestrator share."""
