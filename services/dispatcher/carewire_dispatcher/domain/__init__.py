"""What a delivery is, when it is tried, and what each answer means. Pure: no I/O, no clock, no chance.

Instants are whole milliseconds since the Unix epoch, as in Kafka's records; durations are milliseconds too,
unless a name ends in `_s`.
"""
