-- Jobs whose holder died are looked for every few seconds; few rows are leased at any time.
CREATE INDEX ix_media_cache_lease ON media_cache (lease_until)
    WHERE lease_until IS NOT NULL;
