"""The dispatcher: domain events become signed webhooks, retried for 24 hours."""
