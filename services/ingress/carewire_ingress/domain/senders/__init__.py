"""Who sent a call: each sender's own way of proving it, by its published specification, in a file of its own.

A `SenderScheme` (`sender_scheme`) is what staff configure; with its secrets it becomes a `Sender`, which judges a
`SignedCall`: `verify` says `Verified` or `Unverified`, `handshake` answers a sender that first asks whether the
address is really ours. Nothing here has I/O or a clock, and no bytes whatsoever make it raise.
"""
