"""Postgres: connections, migrations, queries, and the outbox."""
