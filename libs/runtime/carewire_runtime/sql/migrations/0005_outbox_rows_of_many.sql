-- Records that are added together share a row, so that a transaction costs one row and not one for each record.
-- `heads` is JSON, [headers, records]: the headers of all records, each [name, value] once, and of each record [topic,
-- key, bytes of its value or null, places of its headers]. `bodies` are the values, one after another.

-- The heads of a row of one record, whose headers are JSON: [["name", "value"], ...].
create function heads_of_one(topic text, key bytea, value bytea, headers text) returns text language sql as $$
    select json_build_array(
        headers::json,
        json_build_array(
            json_build_array(
                topic,
                convert_from(key, 'UTF8'),
                octet_length(value),
                (
                    select coalesce(json_agg(place), '[]')
                    from generate_series(0, json_array_length(headers::json) - 1) as place
                )
            )
        )
    )::text
$$;

alter table outbox add column heads text, add column bodies bytea;
update outbox set heads = heads_of_one(topic, key, value, headers), bodies = coalesce(value, '');
alter table outbox
    alter column heads set not null,
    alter column bodies set not null,
    -- To pack a row that lives for milliseconds takes Postgres longer than all else that it does with it.
    alter column heads set storage external,
    alter column bodies set storage external,
    drop column topic,
    drop column key,
    drop column value,
    drop column headers;

-- A record that is set aside leaves its row, of which `position` tells. Once the limits are raised, this publishes it:
--   with back as (delete from outbox_set_aside where id = ... returning *)
--   insert into outbox (heads, bodies) select heads_of_one(topic, key, value, headers), coalesce(value, '') from back;
alter table outbox_set_aside
    drop constraint outbox_set_aside_pkey,
    add column id bigserial primary key;
