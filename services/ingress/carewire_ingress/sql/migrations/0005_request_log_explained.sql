-- What explains a request further: the headers that may be shown, what its webhook's filter saw, and why an enrolment
-- guard let it start nothing.
ALTER TABLE request
    ADD COLUMN headers jsonb,
    ADD COLUMN filter jsonb,
    ADD COLUMN skip_reason text;
