/// The SQL. A statement is prepared on each connection when it is first used there.
#pragma once

namespace prewarm::sql {

struct Statement {
    const char* name;
    const char* text;
};

/// What makes a ReadyMedia, but for the media's key (see `ready_media` in columns.hpp).
#define PREWARM_READY_COLUMNS                                                              \
    "actual_kind, weak, file_id, file_unique_id, version, coalesce(bytes, 0) AS bytes, "   \
    "coalesce(storage_chat_id, 0) AS storage_chat_id, "                                    \
    "coalesce(storage_message_id, 0) AS storage_message_id, retry_count + 1 AS attempts, " \
    "upload_event_ids, cache_keys, cache_tags"

// Statements that change several rows lock them in the order of their keys, so that two of them
// never wait for each other.

// Whoever gets a row gets a token of this statement's own, which is how to tell. The arrays are
// merged in any case. Of two that claim at once, the second waits for the first's row and then
// sees its lease. No media may be in it twice.
//
// `known`: the leases that the claimer knows it holds, where an earlier claim of its own may have
// taken effect unknown to it: another lease of its own is forgotten, and taken over as it is. Else
// empty.
#define PREWARM_IS_FORGOTTEN                                                                   \
    "(SELECT (held.lease_owner = excluded.lease_owner AND held.lease_token <> ALL (("          \
    "    SELECT nullif(known, '') FROM wanted WHERE token = excluded.lease_token)::bigint[]))" \
    " IS TRUE AS forgotten) AS lease "

inline constexpr Statement claim{"claim", R"sql(
WITH wanted AS MATERIALIZED (
    SELECT *, nextval('media_cache_lease_token') AS token
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bytea[],
                $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bigint[],
                $13::text[])
        AS claim (bot_slug, sha256, kind, owner, lease_ms, event, event_ids, cache_keys, cache_tags,
                  traceparent, first_seen, replays, known)
)
INSERT INTO media_cache AS held
    (bot_slug, sha256, kind, status, lease_owner, lease_token, lease_until, starts, event,
     upload_event_ids, cache_keys, cache_tags, headers)
SELECT bot_slug, sha256, kind, 'warming', owner, token, now() + lease_ms * interval '1 millisecond',
       1, event, event_ids::text[], cache_keys::text[], cache_tags::text[],
       jsonb_build_object('traceparent', traceparent, 'first_seen', first_seen, 'replays', replays)
FROM wanted
ORDER BY bot_slug, sha256, kind
ON CONFLICT (bot_slug, sha256, kind) DO UPDATE SET
    (status, retry_count, next_retry_at, lease_owner, lease_token, lease_until, starts, event,
     headers) = (
        SELECT 'warming', CASE held.status WHEN 'failed' THEN 0 ELSE held.retry_count END,
               NULL::timestamptz, excluded.lease_owner, excluded.lease_token, excluded.lease_until,
               CASE WHEN held.status = 'failed' THEN 1 WHEN forgotten THEN held.starts
                    ELSE held.starts + 1 END,
               excluded.event, excluded.headers
        FROM )sql" PREWARM_IS_FORGOTTEN R"sql(
        WHERE held.status = 'failed'
            OR (held.status = 'warming'
                AND (forgotten OR (held.lease_until > now()) IS NOT TRUE))
        UNION ALL
        SELECT held.status, held.retry_count,
               held.next_retry_at, held.lease_owner, held.lease_token, held.lease_until,
               held.starts, held.event, held.headers
        FROM )sql" PREWARM_IS_FORGOTTEN R"sql(
        WHERE held.status = 'ready'
            OR (held.status = 'warming' AND held.lease_until > now() AND NOT forgotten)
    ),
    upload_event_ids = prewarm_merged(held.upload_event_ids, excluded.upload_event_ids, $14),
    cache_keys = prewarm_merged(held.cache_keys, excluded.cache_keys, $15),
    cache_tags = prewarm_merged(held.cache_tags, excluded.cache_tags, $16),
    updated_at = now()
RETURNING bot_slug, sha256, kind, status, starts, posting IS NOT NULL AS may_be_posted,
    coalesce(lease_token, 0) AS lease_token,
    coalesce(lease_token IN (SELECT token FROM wanted), false) AS mine,
    greatest(ceil(extract(epoch FROM lease_until - now()) * 1000), 0)::bigint AS remaining_ms,
)sql" PREWARM_READY_COLUMNS};

// The lease is kept until everybody has been told (`told`), as it is after a death: should its
// holder be killed before, the event is sent again.
inline constexpr Statement commit{"commit", R"sql(
UPDATE media_cache SET
    status = 'ready', file_id = $5, file_unique_id = $6, actual_kind = $7, weak = $8,
    version = version + 1, bytes = $9, storage_chat_id = $10, storage_message_id = $11,
    next_retry_at = NULL, last_error = NULL, starts = 0, posting = NULL, ready_at = now(), updated_at = now()
WHERE bot_slug = $1 AND sha256 = $2 AND kind = $3 AND lease_token = $4 AND status = 'warming'
RETURNING )sql" PREWARM_READY_COLUMNS};

// How a start without a file_id ended. Waiting and failing are outcomes, so they settle `starts`;
// one that was handed back untouched only takes its own back. Of a row that got ready or failed
// though its holder does not know, the lease stays: nobody was told yet.
#define PREWARM_NO_LEASE                                           \
    "lease_owner = NULL, lease_token = NULL, lease_until = NULL, " \
    "posting = NULL, updated_at = now() "

// (The microsecond tells it from an outbox row, see below.)
inline constexpr Statement park{"park", R"sql(
WITH parked AS MATERIALIZED (
    SELECT job.* FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[],
                             $6::bigint[], $7::int[], $8::boolean[])
        AS job (bot_slug, sha256, kind, token, error, wait_ms, failed, settles_starts)
    JOIN media_cache AS held USING (bot_slug, sha256, kind)
    WHERE held.lease_token = token AND held.status = 'warming'
    ORDER BY bot_slug, sha256, kind
    FOR UPDATE OF held
)
UPDATE media_cache AS held SET
    next_retry_at = now() + wait_ms * interval '1 millisecond' - interval '1 microsecond',
    retry_count = retry_count + failed,
    starts = CASE WHEN settles_starts THEN 0 ELSE greatest(starts - 1, 0) END,
    last_error = error, )sql" PREWARM_NO_LEASE R"sql(
FROM parked
WHERE held.bot_slug = parked.bot_slug AND held.sha256 = parked.sha256 AND held.kind = parked.kind
RETURNING parked.token
)sql"};

// May be repeated when its answer was lost.
inline constexpr Statement dead{"dead", R"sql(
UPDATE media_cache SET
    retry_count = retry_count + CASE status WHEN 'warming' THEN 1 ELSE 0 END,
    status = 'failed', starts = 0, posting = NULL, last_error = $5, updated_at = now()
WHERE bot_slug = $1 AND sha256 = $2 AND kind = $3 AND lease_token = $4 AND status <> 'ready'
RETURNING upload_event_ids
)sql"};

// An answer that was given again after its lease had run out ends that lease, too.
inline constexpr Statement told{"told", R"sql(
UPDATE media_cache SET lease_owner = NULL, lease_token = NULL, lease_until = NULL
WHERE bot_slug = $1 AND sha256 = $2 AND kind = $3 AND status <> 'warming'
    AND (lease_token = $4 OR lease_until < now())
)sql"};

inline constexpr Statement note_posting{"note_posting", R"sql(
UPDATE media_cache SET posting = CASE WHEN $5 THEN lease_token END
WHERE bot_slug = $1 AND sha256 = $2 AND kind = $3 AND lease_token = $4 AND status = 'warming'
)sql"};

inline constexpr Statement count_start{
    "count_start",
    "UPDATE media_cache SET starts = $5 "
    "WHERE bot_slug = $1 AND sha256 = $2 AND kind = $3 AND lease_token = $4"};

// A row that an uploader wrote, whose event nobody will work on.
inline constexpr Statement refused{"refused", R"sql(
UPDATE media_cache SET status = 'failed', last_error = $4, next_retry_at = NULL, updated_at = now()
WHERE bot_slug = $1 AND sha256 = $2 AND kind = $3
    AND status = 'warming' AND (lease_until > now()) IS NOT TRUE
RETURNING upload_event_ids
)sql"};

// Due at once, and not as an outbox row, whose uploader may be publishing it. Its file_id stays
// where it is until there is a new one.
inline constexpr Statement renew_file_id{"renew_file_id", R"sql(
WITH before AS (
    SELECT bot_slug, sha256, kind, status = 'ready' AS was_ready, event IS NOT NULL AS has_event,
           $4 IN ('', coalesce(file_id, '')) AS is_meant
    FROM media_cache WHERE bot_slug = $1 AND sha256 = $2 AND kind = $3
    FOR UPDATE
), renewed AS (
    UPDATE media_cache AS held SET
        status = 'warming', next_retry_at = now() - interval '1 ms', retry_count = 0, starts = 0,
        last_error = 'a sender was refused its file_id',
        lease_owner = NULL, lease_token = NULL, lease_until = NULL, updated_at = now()
    FROM before
    WHERE held.bot_slug = before.bot_slug AND held.sha256 = before.sha256
        AND held.kind = before.kind AND was_ready AND has_event AND is_meant
    RETURNING held.kind
)
SELECT was_ready, has_event, (SELECT count(*) FROM renewed) = 1 AS begun FROM before
)sql"};

inline constexpr Statement release{
    "release",
    "UPDATE media_cache SET starts = greatest(starts - $5, 0), "
    // Its delivery goes back to the queue, unless the broker took that away before.
    "next_retry_at = now() + interval '2 s', " PREWARM_NO_LEASE
    "WHERE bot_slug = $1 AND sha256 = $2 AND kind = $3 AND lease_token = $4 "
    "AND status = 'warming'"};

inline constexpr Statement renew{"renew", R"sql(
WITH mine AS MATERIALIZED (
    SELECT lease.* FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
        AS lease (bot_slug, sha256, kind, token)
    JOIN media_cache AS held USING (bot_slug, sha256, kind)
    WHERE held.lease_token = token
    ORDER BY bot_slug, sha256, kind
    FOR UPDATE OF held
)
UPDATE media_cache AS held SET
    lease_until = now() + $5 * interval '1 millisecond', next_retry_at = NULL
FROM mine
WHERE held.bot_slug = mine.bot_slug AND held.sha256 = mine.sha256 AND held.kind = mine.kind
RETURNING held.lease_token
)sql"};

// Events to send again. While that is under way the row is due later, once more: should whoever
// sends it be killed, somebody else does. Which time that is tells whether it is still the same
// wait when the event has been sent.
//
// An outbox row is left alone for a moment: its uploader is most likely publishing it just now.
#define PREWARM_TAKE                                                                          \
    "\nUPDATE media_cache AS held SET next_retry_at = now() + $2 * interval '1 millisecond' " \
    "FROM found "                                                                             \
    "WHERE held.bot_slug = found.bot_slug AND held.sha256 = found.sha256 "                    \
    "AND held.kind = found.kind "                                                             \
    "RETURNING held.bot_slug, held.sha256, held.kind, held.event, "                           \
    "coalesce(held.headers ->> 'traceparent', '') AS traceparent, "                           \
    "coalesce(held.headers ->> 'first_seen', '') AS first_seen, "                             \
    "coalesce((held.headers ->> 'replays')::bigint, 0) AS replays, "                          \
    "held.next_retry_at::text AS taken"

// Each bot's oldest, and no more than it has room for: the others wait here, where they are in
// nobody's way.
#define PREWARM_IS_DUE                                                  \
    "status = 'warming' AND event IS NOT NULL "                         \
    "AND next_retry_at <= now() AND (lease_until > now()) IS NOT TRUE " \
    "AND (next_retry_at <> updated_at OR next_retry_at < now() - interval '3 s') "

inline constexpr Statement take_due{"take_due",
                                    R"sql(
WITH found AS (
    SELECT due.* FROM unnest($3::text[], $5::bigint[]) AS usable (slug, room)
    CROSS JOIN LATERAL (
        SELECT bot_slug, sha256, kind FROM media_cache
        WHERE bot_slug = slug AND )sql" PREWARM_IS_DUE R"sql(
        ORDER BY next_retry_at
        LIMIT room
        FOR UPDATE SKIP LOCKED
    ) AS due
    UNION ALL
    SELECT stranger.* FROM (
        SELECT bot_slug, sha256, kind FROM media_cache
        WHERE bot_slug <> ALL ($3::text[]) AND bot_slug <> ALL ($4::text[])
            AND next_retry_at < now() - interval '10 min' AND )sql" PREWARM_IS_DUE R"sql(
        ORDER BY next_retry_at
        LIMIT $1
        FOR UPDATE SKIP LOCKED
    ) AS stranger
))sql" PREWARM_TAKE};

inline constexpr Statement next_due{"next_due", R"sql(
SELECT ceil(extract(epoch FROM min(next_retry_at) - now()) * 1000)::bigint
FROM unnest($1::text[]) AS usable (slug)
CROSS JOIN LATERAL (
    SELECT next_retry_at FROM media_cache
    WHERE bot_slug = slug AND status = 'warming' AND next_retry_at > now()
    ORDER BY next_retry_at
    LIMIT 1
) AS due
)sql"};

// Whoever held the lease died, at work or before everybody was told.
inline constexpr Statement take_orphans{"take_orphans", R"sql(
WITH found AS (
    SELECT bot_slug, sha256, kind FROM media_cache
    WHERE lease_until < now() - interval '5 s' AND event IS NOT NULL
        AND bot_slug = ANY ($3::text[]) AND (next_retry_at < now()) IS NOT FALSE
    ORDER BY lease_until
    LIMIT $1
    FOR UPDATE SKIP LOCKED
))sql" PREWARM_TAKE};

// Neither parked nor at work, and no queue holds anything: the event was lost with its queue.
inline constexpr Statement take_lost{"take_lost", R"sql(
WITH found AS (
    SELECT bot_slug, sha256, kind FROM media_cache
    WHERE status = 'warming' AND next_retry_at IS NULL AND lease_until IS NULL
        AND event IS NOT NULL AND bot_slug = ANY ($3::text[])
        AND updated_at < now() - $4 * interval '1 millisecond'
    ORDER BY updated_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
))sql" PREWARM_TAKE};

// $5: whether the broker has it now. Otherwise it is due at once, or an orphan still.
inline constexpr Statement resent{"resent", R"sql(
WITH sent AS MATERIALIZED (
    SELECT one.* FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
        AS one (bot_slug, sha256, kind, taken)
    JOIN media_cache AS held USING (bot_slug, sha256, kind)
    WHERE held.next_retry_at = taken::timestamptz
    ORDER BY bot_slug, sha256, kind
    FOR UPDATE OF held
)
UPDATE media_cache AS held SET
    next_retry_at = CASE WHEN $5 THEN NULL ELSE now() - interval '1 ms' END,
    lease_owner = CASE WHEN $5 THEN NULL ELSE lease_owner END,
    lease_token = CASE WHEN $5 THEN NULL ELSE lease_token END,
    lease_until = CASE WHEN $5 THEN NULL ELSE lease_until END,
    updated_at = now()
FROM sent
WHERE held.bot_slug = sent.bot_slug AND held.sha256 = sent.sha256 AND held.kind = sent.kind
)sql"};

// The outbox: a row that waits for nothing but its publishing has `next_retry_at = updated_at`,
// which `published` goes by. (What is parked for later differs, by the time it waits.)
inline constexpr Statement register_upload{"register_upload", R"sql(
WITH object AS (
    INSERT INTO media_store
        (bot_slug, sha256, kind, r2_bucket, r2_key, bytes, mime_type, file_name, attributes)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, jsonb_strip_nulls(jsonb_build_object(
        'width', nullif($9::bigint, 0), 'height', nullif($10::bigint, 0),
        'duration_ms', nullif($11::bigint, 0), 'title', nullif($12, ''),
        'performer', nullif($13, ''), 'supports_streaming', nullif($14::boolean, false),
        'thumbnail_r2_key', nullif($15, ''))))
    ON CONFLICT (bot_slug, sha256, kind) DO UPDATE SET
        r2_bucket = excluded.r2_bucket, r2_key = excluded.r2_key, bytes = excluded.bytes,
        mime_type = excluded.mime_type, file_name = excluded.file_name,
        attributes = excluded.attributes
)
INSERT INTO media_cache AS held
    (bot_slug, sha256, kind, status, next_retry_at, event, upload_event_ids, cache_keys, cache_tags)
VALUES ($1, $2, $3, 'warming', now(), $16, $17::text[], $18::text[], $19::text[])
ON CONFLICT (bot_slug, sha256, kind) DO UPDATE SET
    (status, retry_count, starts, next_retry_at, lease_owner, lease_token, lease_until, event,
     headers) = (
        SELECT 'warming', 0, 0, excluded.next_retry_at, NULL, NULL::bigint, NULL::timestamptz,
               excluded.event, NULL::jsonb
        WHERE held.status = 'failed'
        UNION ALL
        SELECT held.status, held.retry_count, held.starts, held.next_retry_at, held.lease_owner,
               held.lease_token, held.lease_until, coalesce(held.event, excluded.event),
               held.headers
        WHERE held.status <> 'failed'
    ),
    upload_event_ids = prewarm_merged(held.upload_event_ids, excluded.upload_event_ids, $20),
    cache_keys = prewarm_merged(held.cache_keys, excluded.cache_keys, $21),
    cache_tags = prewarm_merged(held.cache_tags, excluded.cache_tags, $22),
    updated_at = now()
RETURNING status
)sql"};

inline constexpr Statement published{"published", R"sql(
UPDATE media_cache SET next_retry_at = NULL, updated_at = now()
WHERE bot_slug = $1 AND sha256 = $2 AND kind = $3 AND $4 = ANY (upload_event_ids)
    AND status = 'warming' AND lease_token IS NULL AND next_retry_at = updated_at
)sql"};

inline constexpr Statement find{"find", R"sql(
SELECT status, coalesce(last_error, '') AS last_error, retry_count,
    (extract(epoch FROM next_retry_at) * 1000)::bigint AS next_retry_at_ms,
    actual_kind, weak, file_id, file_unique_id, version, coalesce(bytes, 0) AS bytes,
    coalesce(storage_chat_id, 0) AS storage_chat_id,
    coalesce(storage_message_id, 0) AS storage_message_id, retry_count + 1 AS attempts,
    '{}'::text[] AS upload_event_ids, '{}'::text[] AS cache_keys, '{}'::text[] AS cache_tags
FROM media_cache
WHERE bot_slug = $1 AND sha256 = $2 AND kind = $3
)sql"};

inline constexpr Statement find_message{"find_message", R"sql(
SELECT storage_chat_id, storage_message_id, coalesce(bytes, 0) FROM media_cache
WHERE bot_slug = ANY ($1::text[]) AND sha256 = $2 AND kind = $3
    AND status = 'ready' AND NOT weak
    AND storage_chat_id = ANY ($4::bigint[]) AND storage_message_id > 0
ORDER BY ready_at DESC
LIMIT 1
)sql"};

inline constexpr Statement overview{"overview", R"sql(
SELECT bot_slug, kind, status, count(*) AS media,
    count(*) FILTER (WHERE status = 'warming' AND lease_until > now()) AS at_work,
    count(*) FILTER (WHERE status = 'warming' AND next_retry_at IS NOT NULL) AS parked,
    count(*) FILTER (WHERE retry_count > 0) AS retried,
    sum(retry_count) AS attempts_failed,
    greatest(extract(epoch FROM now() - min(updated_at)) * 1000, 0)::bigint AS oldest_ms
FROM media_cache
GROUP BY bot_slug, kind, status
ORDER BY bot_slug, kind, status
)sql"};

}  // namespace prewarm::sql
