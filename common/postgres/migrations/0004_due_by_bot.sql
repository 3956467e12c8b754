-- Parked jobs are taken bot by bot: a bot whose turn is far off may have thousands.
CREATE INDEX ix_media_cache_due ON media_cache (bot_slug, next_retry_at) WHERE status = 'warming';
