-- The objects that uploaders put into R2.
CREATE TABLE media_store (
    bot_slug   text        NOT NULL,
    sha256     text        NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    kind       text        NOT NULL CHECK (kind IN ('photo', 'video', 'animation', 'audio', 'voice',
                                                    'video_note', 'document', 'sticker')),
    r2_bucket  text        NOT NULL,
    r2_key     text        NOT NULL,
    bytes      bigint      NOT NULL DEFAULT 0,
    mime_type  text        NOT NULL DEFAULT '',
    file_name  text        NOT NULL DEFAULT '',
    attributes jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bot_slug, sha256, kind)
);

COMMENT ON COLUMN media_store.r2_bucket IS 'Empty: the service''s R2_BUCKET.';
COMMENT ON COLUMN media_store.bytes IS '0: unknown.';

-- The state of each media, and its durable job.
CREATE TABLE media_cache (
    bot_slug           text        NOT NULL,
    sha256             text        NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    kind               text        NOT NULL CHECK (kind IN ('photo', 'video', 'animation', 'audio',
                                                            'voice', 'video_note', 'document',
                                                            'sticker')),
    status             text        NOT NULL DEFAULT 'warming'
                                   CHECK (status IN ('warming', 'ready', 'failed')),
    file_id            text,
    file_unique_id     text,
    actual_kind        text        CHECK (actual_kind IN ('photo', 'video', 'animation', 'audio',
                                                          'voice', 'video_note', 'document',
                                                          'sticker')),
    weak               boolean     NOT NULL DEFAULT false,
    version            bigint      NOT NULL DEFAULT 0,
    bytes              bigint,
    storage_chat_id    bigint,
    storage_message_id bigint,
    retry_count        integer     NOT NULL DEFAULT 0,
    next_retry_at      timestamptz,
    last_error         text,
    lease_owner        text,
    lease_token        bigint,
    lease_until        timestamptz,
    starts             integer     NOT NULL DEFAULT 0,
    event              bytea,
    upload_event_ids   text[]      NOT NULL DEFAULT '{}',
    cache_keys         text[]      NOT NULL DEFAULT '{}',
    cache_tags         text[]      NOT NULL DEFAULT '{}',
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    ready_at           timestamptz,
    PRIMARY KEY (bot_slug, sha256, kind),
    CHECK (status <> 'ready' OR (file_id IS NOT NULL AND actual_kind IS NOT NULL))
);

COMMENT ON COLUMN media_cache.actual_kind IS 'What Telegram made of it: send with the method of this kind.';
COMMENT ON COLUMN media_cache.weak IS 'actual_kind differs from kind, or stored without its video attributes.';
COMMENT ON COLUMN media_cache.retry_count IS 'Attempts that failed. Waiting is not failing.';
COMMENT ON COLUMN media_cache.next_retry_at IS 'When a parked job is due; null when not parked.';
COMMENT ON COLUMN media_cache.lease_token IS 'Fences the lease: whoever writes under an older one changes nothing.';
COMMENT ON COLUMN media_cache.starts IS 'Attempts begun since the last outcome: a crash leaves it above zero.';
COMMENT ON COLUMN media_cache.event IS 'The upload event (protobuf), so that a parked or lost job can be sent again.';

CREATE INDEX ix_media_cache_lookup ON media_cache (bot_slug, sha256, kind, status)
    WHERE status = 'ready';
CREATE INDEX ix_media_cache_retry ON media_cache (next_retry_at)
    WHERE status = 'warming';

-- Tokens only grow, over all media: a lease that was taken over never becomes valid again.
CREATE SEQUENCE media_cache_lease_token AS bigint;

-- The distinct values of both, in the order of their first appearance; of more than `most`, those
-- that appeared last.
CREATE FUNCTION prewarm_merged(kept text[], more text[], most bigint) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN kept @> more AND cardinality(kept) <= most THEN kept
        ELSE ARRAY(
            SELECT value
            FROM (
                SELECT value, min(place) AS first
                FROM unnest(kept || more) WITH ORDINALITY AS each_one (value, place)
                GROUP BY value
                ORDER BY max(place) DESC
                LIMIT most
            ) AS newest
            ORDER BY first
        )
    END
$$;
