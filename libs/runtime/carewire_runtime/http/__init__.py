"""HTTP: the server, health, and errors as problem documents."""
