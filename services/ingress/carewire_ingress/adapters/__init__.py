"""What moves the bytes: HTTP in, Kafka out, the configuration tables, the request log in Postgres."""
