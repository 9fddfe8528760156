"""Webhooks, releases and calls for the tests of ingress."""
