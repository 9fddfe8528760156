"""The chaos campaign: load, faults and receivers, a history of what was seen, and the verdict that is made of it."""
