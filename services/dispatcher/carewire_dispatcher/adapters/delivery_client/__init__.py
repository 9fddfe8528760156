"""The delivery client: POSTs over HTTP/1.1, to receivers of which nothing good is assumed.

`sender` makes a call: it takes a `target` apart, writes the `request`, and carries it over a `connection` that the
`pool` had kept or that `dial` opens, to an address that the `resolver` found and that may be called. `answer` reads
what comes back, and no more of it than is needed.
"""
