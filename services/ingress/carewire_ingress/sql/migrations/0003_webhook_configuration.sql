-- What staff say about a webhook is one document: it is read and saved as a whole, and grows without migrations.
ALTER TABLE incoming_webhook ADD COLUMN configuration jsonb;
UPDATE incoming_webhook SET configuration = jsonb_build_object(
    'name', name,
    'definition_id', definition_id,
    'mapping', (
        SELECT coalesce(jsonb_object_agg(source.key, jsonb_build_object('path', source.value)), '{}')
        FROM jsonb_each(mapping) AS source
    ),
    'identifiers', identifiers,
    'start_key', start_key
);
ALTER TABLE incoming_webhook
    ALTER COLUMN configuration SET NOT NULL,
    DROP COLUMN mapping,
    DROP COLUMN identifiers,
    DROP COLUMN start_key;
