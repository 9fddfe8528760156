"""Where the dispatcher touches Kafka, Postgres and HTTP."""
