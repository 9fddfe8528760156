-- The secrets of a webhook's sender, sealed; null where it has none. They never stand in its configuration.
ALTER TABLE incoming_webhook ADD COLUMN sender_sealed text;
