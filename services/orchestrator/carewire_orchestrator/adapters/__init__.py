"""Kafka, Postgres and HTTP."""
