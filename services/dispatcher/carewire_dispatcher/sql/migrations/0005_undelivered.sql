-- Which care flow a delivery belongs to, and indexes of what is not delivered: few rows, while all is well.
alter table delivery add column care_flow_id uuid; -- null: the event belongs to no care flow
create index delivery_undelivered on delivery (event_at, id) where status <> 'delivered';
create index delivery_undelivered_of_endpoint
    on delivery (endpoint_id, event_topic, event_partition, event_offset) where status <> 'delivered';
