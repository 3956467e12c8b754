-- Noted before Telegram is given a file: who finds it on a row that nobody is at may post it twice.
ALTER TABLE media_cache ADD COLUMN posting bigint;

COMMENT ON COLUMN media_cache.posting IS 'The lease_token under which the file was given to Telegram, until it is known what came of it.';
