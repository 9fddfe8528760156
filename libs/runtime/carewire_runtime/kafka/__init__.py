"""Kafka: producing, consuming, topics and offsets."""
