"""What a care flow is and how it changes: no clock, no randomness, no I/O."""
