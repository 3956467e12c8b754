-- What the headers of the event's message told, so that an event that is sent again from here keeps it.
ALTER TABLE media_cache ADD COLUMN headers jsonb;
