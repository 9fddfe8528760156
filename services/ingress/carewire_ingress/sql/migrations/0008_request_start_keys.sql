-- The start keys that senders' own keys give rejected calls: under them staff send the calls again, so that a sender
-- who repeats one as well starts no second care flow.
CREATE TABLE request_start_key (
    request_id uuid PRIMARY KEY,
    start_key uuid NOT NULL
);
