"""What ingress decides, without any I/O: whether a call starts a care flow, and what its sender is told.

`admit` is the one decision; `webhook`, `identifiers` and `start_key` are its words; `answers` turns
its outcome into HTTP. The adapters move the bytes.
"""
