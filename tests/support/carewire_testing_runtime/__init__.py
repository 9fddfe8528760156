"""What the tests of the runtime share."""
