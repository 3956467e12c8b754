#include "common/media_store/media_store.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>
#include <type_traits>
#include <utility>

#include <pqxx/binarystring>
#include <pqxx/nontransaction>
#include <pqxx/result>

#include "common/media_store/columns.hpp"
#include "common/media_store/statements.hpp"

namespace prewarm {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr std::size_t max_error_characters = 2000;

/// One statement is one transaction, and one round trip.
template <class... Values>
pqxx::result execute(pqxx::connection_base& connection, const sql::Statement& statement,
                     const Values&... values) {
    connection.prepare(statement.name, statement.text);
    return pqxx::nontransaction{connection}.exec_prepared(statement.name, values...);
}

std::string kind_name(const MediaKey& media) {
    return std::string{name_of(media.kind)};
}

MediaStatus status_named(std::string_view name) {
    if (name == "ready") return MediaStatus::ready;
    return name == "failed" ? MediaStatus::failed : MediaStatus::warming;
}

/// What is wrong with an upload that cannot be stored as it is.
Result<> check(const Upload& upload) {
    const auto refused = [](std::string why) {
        return Failure{FailureKind::refused, "the upload cannot be stored: " + std::move(why)};
    };
    if (upload.cache_keys.size() > max_cache_keys || upload.cache_tags.size() > max_cache_tags) {
        return refused("it brings too many cache keys or tags");
    }
    const auto bad = [](const std::string& text) { return sql::has_zero_byte(text); };
    const std::array texts{&upload.event_id,
                           &upload.media.bot_slug,
                           &upload.r2_bucket,
                           &upload.r2_key,
                           &upload.mime_type,
                           &upload.file_name,
                           &upload.attributes.title,
                           &upload.attributes.performer,
                           &upload.attributes.thumbnail_r2_key};
    if (std::ranges::any_of(texts, [&](const auto* text) { return bad(*text); }) ||
        std::ranges::any_of(upload.cache_keys, bad) ||
        std::ranges::any_of(upload.cache_tags, bad)) {
        return refused("a text holds a zero byte");
    }
    return {};
}

/// What the row gathers from every event for its media.
struct Gathered {
    explicit Gathered(const Upload& upload)
        : event_ids{sql::array_literal({upload.event_id})},
          cache_keys{sql::array_literal(sql::distinct(upload.cache_keys))},
          cache_tags{sql::array_literal(sql::distinct(upload.cache_tags))} {}

    std::string event_ids;
    std::string cache_keys;
    std::string cache_tags;
};

std::string key_of(const MediaKey& media) {
    return media.bot_slug + ' ' + media.sha256.hex() + ' ' + kind_name(media);
}

MediaKey media_of(const pqxx::row& row) {
    // By the table's checks well formed.
    return {.bot_slug = row["bot_slug"].as<std::string>(),
            .sha256 = *sha256_from_hex(row["sha256"].as<std::string>()),
            .kind = sql::kind_of(row["kind"])};
}

/// Of the items that one statement is for: what the value of each is, as an array.
template <class Items, class Value>
std::string column(const Items& items, Value value) {
    std::vector<std::string> values;
    for (const auto* item : items) {
        if constexpr (std::is_arithmetic_v<std::decay_t<decltype(value(*item))>>) {
            values.push_back(std::to_string(value(*item)));
        } else {
            values.emplace_back(value(*item));
        }
    }
    return sql::array_literal(values);
}

std::string numbers(const std::vector<std::int64_t>& values) {
    std::vector<std::string> texts;
    for (const auto value : values)
        texts.push_back(std::to_string(value));
    return sql::array_literal(texts);
}

Claim claim_found(const pqxx::row& row, MediaKey media) {
    if (row["mine"].as<bool>()) {
        return Lease{std::move(media), row["lease_token"].as<std::int64_t>(),
                     row["attempts"].as<std::uint32_t>(), row["starts"].as<std::uint32_t>(),
                     row["may_be_posted"].as<bool>()};
    }
    if (status_named(row["status"].c_str()) == MediaStatus::ready) {
        return sql::ready_media(row, std::move(media));
    }
    return LeasedElsewhere{milliseconds{row["remaining_ms"].as<std::int64_t>()},
                           row["lease_token"].as<std::int64_t>()};
}

std::vector<LostEvent> lost_events(const pqxx::result& rows) {
    std::vector<LostEvent> events;
    for (const auto& row : rows) {
        events.push_back({.media = media_of(row),
                          .encoded_event = pqxx::binarystring{row["event"]}.str(),
                          .traceparent = row["traceparent"].as<std::string>(),
                          .first_seen = row["first_seen"].as<std::string>(),
                          .replays = row["replays"].as<std::int64_t>(),
                          .taken = row["taken"].as<std::string>()});
    }
    return events;
}

}  // namespace

std::string_view name_of(MediaStatus status) {
    switch (status) {
        case MediaStatus::warming:
            return "warming";
        case MediaStatus::ready:
            return "ready";
        case MediaStatus::failed:
            return "failed";
    }
    return "unknown";
}

MediaStore::MediaStore(postgres::Pool& pool)
    : pool_{pool}, claims_{pool, claim_all}, parkings_{pool, park_all} {}

Task<Claim> MediaStore::claim(Upload upload, std::string encoded_event, std::string instance,
                              milliseconds lease,
                              std::optional<std::vector<std::int64_t>> known_tokens) {
    if (const auto checked = check(upload); !checked) co_return checked.error();
    auto key = key_of(upload.media);
    co_return co_await claims_.run(
        std::move(key), {std::move(upload), std::move(encoded_event), std::move(instance), lease,
                         std::move(known_tokens)});
}

std::vector<Claim> MediaStore::claim_all(pqxx::connection_base& connection,
                                         const Claims::Items& wanted) {
    const auto of_media = [&](auto value) {
        return column(wanted,
                      [&](const auto& one) { return std::invoke(value, one.upload.media); });
    };
    const auto of_upload = [&](auto value) {
        return column(wanted, [&](const auto& one) { return value(one.upload); });
    };
    const auto rows = execute(
        connection, sql::claim, of_media(&MediaKey::bot_slug),
        of_media([](const MediaKey& media) { return media.sha256.hex(); }), of_media(kind_name),
        column(wanted, [](const auto& one) { return one.instance; }),
        column(wanted, [](const auto& one) { return one.lease.count(); }),
        column(wanted, [](const auto& one) { return sql::bytea_literal(one.encoded_event); }),
        of_upload([](const Upload& upload) { return Gathered{upload}.event_ids; }),
        of_upload([](const Upload& upload) { return Gathered{upload}.cache_keys; }),
        of_upload([](const Upload& upload) { return Gathered{upload}.cache_tags; }),
        of_upload([](const Upload& upload) { return upload.traceparent; }),
        of_upload([](const Upload& upload) { return upload.first_seen; }),
        of_upload([](const Upload& upload) { return upload.replays; }),
        column(wanted,
               [](const auto& one) {
                   return one.known_tokens ? numbers(*one.known_tokens) : std::string{};
               }),
        max_event_ids, max_cache_keys, max_cache_tags);
    std::map<std::string, Claim> found;
    for (const auto& row : rows) {
        auto media = media_of(row);
        auto key = key_of(media);
        found.emplace(std::move(key), claim_found(row, std::move(media)));
    }
    std::vector<Claim> claims;
    for (const auto* one : wanted)
        claims.push_back(std::move(found.at(key_of(one->upload.media))));
    return claims;
}

Task<ReadyMedia> MediaStore::commit(Lease lease, Sent sent, bool weak) {
    const auto& media = lease.media;
    const auto ready = co_await pool_.run([&](pqxx::connection_base& connection) {
        const auto changed = execute(connection, sql::commit, media.bot_slug, media.sha256.hex(),
                                     kind_name(media), lease.token, sent.file_id,
                                     sent.file_unique_id, std::string{name_of(sent.actual_kind)},
                                     weak, sent.bytes, sent.chat_id, sent.message_id);
        std::optional<ReadyMedia> row;
        if (!changed.empty()) row = sql::ready_media(changed[0], media);
        return row;
    });
    if (!ready) co_return ready.error();
    if (!*ready) {
        co_return Failure{FailureKind::transient,
                          "the lease was lost: the media has been taken over meanwhile"};
    }
    co_return **ready;
}

Task<bool> MediaStore::park(Lease lease, milliseconds wait, std::string error, ParkedAfter after) {
    auto key = key_of(lease.media);
    co_return co_await parkings_.run(std::move(key),
                                     {std::move(lease), wait, std::move(error), after});
}

std::vector<bool> MediaStore::park_all(pqxx::connection_base& connection,
                                       const Parkings::Items& wanted) {
    const auto of_media = [&](auto value) {
        return column(wanted, [&](const auto& one) { return std::invoke(value, one.lease.media); });
    };
    const auto rows = execute(
        connection, sql::park, of_media(&MediaKey::bot_slug),
        of_media([](const MediaKey& media) { return media.sha256.hex(); }), of_media(kind_name),
        column(wanted, [](const auto& one) { return one.lease.token; }),
        column(wanted,
               [](const auto& one) { return sql::storable(one.error, max_error_characters); }),
        column(wanted, [](const auto& one) { return one.wait.count(); }),
        column(wanted,
               [](const auto& one) { return one.after == ParkedAfter::failed_attempt ? 1 : 0; }),
        column(wanted, [](const auto& one) { return one.after != ParkedAfter::no_try ? 1 : 0; }));
    std::set<std::int64_t> parked;
    for (const auto& row : rows)
        parked.insert(row[0].as<std::int64_t>());
    std::vector<bool> answers;
    for (const auto* one : wanted)
        answers.push_back(parked.contains(one->lease.token));
    return answers;
}

Task<> MediaStore::told(MediaKey media, std::int64_t token) {
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        execute(connection, sql::told, media.bot_slug, media.sha256.hex(), kind_name(media), token);
    });
}

Task<> MediaStore::count_start(Lease lease, bool counts) {
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        execute(connection, sql::count_start, lease.media.bot_slug, lease.media.sha256.hex(),
                kind_name(lease.media), lease.token, counts ? lease.starts : lease.starts - 1);
    });
}

Task<std::optional<std::vector<std::string>>> MediaStore::record_dead(Lease lease,
                                                                      std::string error) {
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        std::optional<std::vector<std::string>> answered;
        const auto changed = execute(connection, sql::dead, lease.media.bot_slug,
                                     lease.media.sha256.hex(), kind_name(lease.media), lease.token,
                                     sql::storable(error, max_error_characters));
        if (!changed.empty()) answered = sql::array_of(changed[0][0]);
        return answered;
    });
}

Task<std::vector<std::string>> MediaStore::record_refused(MediaKey media, std::string error) {
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        const auto changed = execute(connection, sql::refused, media.bot_slug, media.sha256.hex(),
                                     kind_name(media), sql::storable(error, max_error_characters));
        return changed.empty() ? std::vector<std::string>{} : sql::array_of(changed[0][0]);
    });
}

Task<Renewal> MediaStore::renew_file_id(MediaKey media, std::string file_id) {
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        const auto rows = execute(connection, sql::renew_file_id, media.bot_slug,
                                  media.sha256.hex(), kind_name(media), file_id);
        if (rows.empty()) return Renewal::unknown;
        const auto& row = rows[0];
        if (row["begun"].as<bool>()) return Renewal::begun;
        if (!row["was_ready"].as<bool>()) return Renewal::not_ready;
        return row["has_event"].as<bool>() ? Renewal::has_another : Renewal::has_no_event;
    });
}

Task<bool> MediaStore::note_posting(Lease lease, bool may_be_posted) {
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        return execute(connection, sql::note_posting, lease.media.bot_slug,
                       lease.media.sha256.hex(), kind_name(lease.media), lease.token, may_be_posted)
                   .affected_rows() == 1;
    });
}

Task<bool> MediaStore::release(Lease lease) {
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        return execute(connection, sql::release, lease.media.bot_slug, lease.media.sha256.hex(),
                       kind_name(lease.media), lease.token, lease.is_counted ? 1 : 0)
                   .affected_rows() == 1;
    });
}

Task<std::vector<Lease>> MediaStore::renew(std::vector<Lease> leases, milliseconds lease) {
    if (leases.empty()) co_return leases;
    std::vector<std::string> slugs, digests, kinds, tokens;
    for (const auto& held : leases) {
        slugs.push_back(held.media.bot_slug);
        digests.push_back(held.media.sha256.hex());
        kinds.push_back(kind_name(held.media));
        tokens.push_back(std::to_string(held.token));
    }
    const auto renewed = co_await pool_.run([&](pqxx::connection_base& connection) {
        std::set<std::int64_t> live;
        for (const auto& row :
             execute(connection, sql::renew, sql::array_literal(slugs), sql::array_literal(digests),
                     sql::array_literal(kinds), sql::array_literal(tokens), lease.count())) {
            live.insert(row[0].as<std::int64_t>());
        }
        return live;
    });
    if (!renewed) co_return renewed.error();
    std::erase_if(leases, [&](const Lease& held) { return renewed->contains(held.token); });
    co_return leases;
}

Task<std::vector<LostEvent>> MediaStore::take_due(std::vector<BotRoom> bots,
                                                  std::vector<std::string> resting,
                                                  std::size_t most_of_strangers,
                                                  milliseconds reserve) {
    std::vector<std::string> slugs, rooms;
    for (const auto& bot : bots) {
        slugs.push_back(bot.bot_slug);
        rooms.push_back(std::to_string(bot.most));
    }
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        return lost_events(execute(connection, sql::take_due, most_of_strangers, reserve.count(),
                                   sql::array_literal(slugs), sql::array_literal(resting),
                                   sql::array_literal(rooms)));
    });
}

Task<std::optional<milliseconds>> MediaStore::next_due(std::vector<std::string> bots) {
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        std::optional<milliseconds> next;
        const auto row = execute(connection, sql::next_due, sql::array_literal(bots))[0];
        if (!row[0].is_null()) next = milliseconds{row[0].as<std::int64_t>()};
        return next;
    });
}

Task<std::vector<LostEvent>> MediaStore::take_orphans(std::size_t most, milliseconds reserve,
                                                      std::vector<std::string> bots) {
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        return lost_events(execute(connection, sql::take_orphans, most, reserve.count(),
                                   sql::array_literal(bots)));
    });
}

Task<std::vector<LostEvent>> MediaStore::take_lost(std::size_t most, milliseconds reserve,
                                                   std::vector<std::string> bots,
                                                   milliseconds patience) {
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        return lost_events(execute(connection, sql::take_lost, most, reserve.count(),
                                   sql::array_literal(bots), patience.count()));
    });
}

Task<> MediaStore::mark_resent(std::vector<LostEvent> events, bool arrived) {
    if (events.empty()) co_return Result<>{};
    std::vector<std::string> slugs, digests, kinds, taken;
    for (const auto& event : events) {
        slugs.push_back(event.media.bot_slug);
        digests.push_back(event.media.sha256.hex());
        kinds.push_back(kind_name(event.media));
        taken.push_back(event.taken);
    }
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        execute(connection, sql::resent, sql::array_literal(slugs), sql::array_literal(digests),
                sql::array_literal(kinds), sql::array_literal(taken), arrived);
    });
}

Task<MediaStatus> MediaStore::register_upload(Upload upload, std::string encoded_event) {
    if (const auto checked = check(upload); !checked) co_return checked.error();
    const auto& media = upload.media;
    const auto& attributes = upload.attributes;
    const Gathered gathered{upload};
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        const auto row = execute(
            connection, sql::register_upload, media.bot_slug, media.sha256.hex(), kind_name(media),
            upload.r2_bucket, upload.r2_key, upload.bytes, upload.mime_type, upload.file_name,
            attributes.width, attributes.height, attributes.duration.count(), attributes.title,
            attributes.performer, attributes.supports_streaming, attributes.thumbnail_r2_key,
            pqxx::binarystring{encoded_event}, gathered.event_ids, gathered.cache_keys,
            gathered.cache_tags, max_event_ids, max_cache_keys, max_cache_tags);
        return status_named(row[0][0].c_str());
    });
}

Task<> MediaStore::mark_published(MediaKey media, std::string event_id) {
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        execute(connection, sql::published, media.bot_slug, media.sha256.hex(), kind_name(media),
                event_id);
    });
}

Task<std::optional<MediaRow>> MediaStore::find(MediaKey media) {
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        std::optional<MediaRow> found;
        const auto rows =
            execute(connection, sql::find, media.bot_slug, media.sha256.hex(), kind_name(media));
        if (rows.empty()) return found;
        const auto& row = rows[0];
        found.emplace();
        found->status = status_named(row["status"].c_str());
        if (found->status == MediaStatus::ready) found->ready = sql::ready_media(row, media);
        found->last_error = row["last_error"].as<std::string>();
        found->retry_count = row["retry_count"].as<std::uint32_t>();
        if (const auto due = row["next_retry_at_ms"]; !due.is_null()) {
            found->next_retry_at = system_clock::time_point{milliseconds{due.as<std::int64_t>()}};
        }
        return found;
    });
}

Task<std::optional<StoredMessage>> MediaStore::find_message(MediaKey media,
                                                            std::vector<std::string> bots,
                                                            std::vector<std::int64_t> chats) {
    std::vector<std::string> chat_ids;
    for (const auto chat : chats)
        chat_ids.push_back(std::to_string(chat));
    co_return co_await pool_.run([&](pqxx::connection_base& connection) {
        std::optional<StoredMessage> found;
        const auto rows =
            execute(connection, sql::find_message, sql::array_literal(bots), media.sha256.hex(),
                    kind_name(media), sql::array_literal(chat_ids));
        if (!rows.empty())
            found = {rows[0][0].as<std::int64_t>(), rows[0][1].as<std::int64_t>(),
                     rows[0][2].as<std::uint64_t>()};
        return found;
    });
}

Task<std::vector<MediaCount>> MediaStore::overview() {
    co_return co_await pool_.run([](pqxx::connection_base& connection) {
        std::vector<MediaCount> counts;
        for (const auto& row : execute(connection, sql::overview)) {
            counts.push_back({row["bot_slug"].as<std::string>(), sql::kind_of(row["kind"]),
                              status_named(row["status"].c_str()), row["media"].as<std::uint64_t>(),
                              row["at_work"].as<std::uint64_t>(), row["parked"].as<std::uint64_t>(),
                              row["retried"].as<std::uint64_t>(),
                              row["attempts_failed"].as<std::uint64_t>(),
                              milliseconds{row["oldest_ms"].as<std::int64_t>()}});
        }
        return counts;
    });
}

}  // namespace prewarm
