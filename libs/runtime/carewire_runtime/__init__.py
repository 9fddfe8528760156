"""What every service needs and is not domain: Kafka, Postgres, HTTP, access, telemetry, time."""
