"""Ingress: a webhook comes in, a durable request goes out."""
