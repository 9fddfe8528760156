"""The local stack: real Kafka, real Postgres and the services, started and stopped as one."""
