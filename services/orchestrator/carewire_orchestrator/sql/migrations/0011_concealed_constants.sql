-- Values of concealed constants, as this deployment has them. They belong to a definition and to none of its releases:
-- a changed one holds at once for all care flows. Sealed for their definition and name.
CREATE TABLE concealed_constant (
    definition_id text COLLATE "C" NOT NULL REFERENCES definition (id) ON DELETE CASCADE,
    name          text COLLATE "C" NOT NULL,
    sealed_value  text NOT NULL,
    set_at        timestamptz NOT NULL,
    PRIMARY KEY (definition_id, name)
);
