-- Values and timers are found by their care flow, never by their ids alone. By that key the newest stand together at the
-- end of one index; by ids, which are hashes, each was written to any page of an index of its own besides, and the more
-- of them there were, the more pages a start had to touch.
ALTER TABLE data_point DROP CONSTRAINT data_point_pkey, ADD PRIMARY KEY (care_flow_id, id);
DROP INDEX data_point_of_care_flow;
ALTER TABLE timer DROP CONSTRAINT timer_pkey, ADD PRIMARY KEY (care_flow_id, id);
DROP INDEX timer_of_care_flow;
