/// The tables `media_store` and `media_cache` (contract, section 4): what is known of each media.
/// Every SQL statement of the project but the migrations is in this module.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/claim.hpp"
#include "common/base/upload.hpp"
#include "common/postgres/grouped.hpp"
#include "common/postgres/pool.hpp"
#include "common/runtime/task.hpp"

namespace prewarm {

enum class MediaStatus : std::uint8_t { warming, ready, failed };
std::string_view name_of(MediaStatus status);  ///< As the column holds it.

/// A media as a lookup wants it.
struct MediaRow {
    MediaStatus status = MediaStatus::warming;
    /// Set when ready; without the gathered ids, keys and tags, which a lookup has no use for.
    std::optional<ReadyMedia> ready;
    std::string last_error;
    std::uint32_t retry_count = 0;
    std::optional<std::chrono::system_clock::time_point> next_retry_at;  ///< Set when parked.
};

/// What became of the wish for a new file_id.
enum class Renewal : std::uint8_t {
    begun,         ///< It is being warmed again, from the event that is on record.
    has_another,   ///< Its file_id is not the refused one.
    not_ready,     ///< It has none now.
    has_no_event,  ///< Nobody could warm it.
    unknown,       ///< There is no such media.
};

/// What there is of one bot's media of one kind in one status.
struct MediaCount {
    std::string bot_slug;
    MediaKind kind = MediaKind::document;
    MediaStatus status = MediaStatus::warming;
    std::uint64_t media = 0;
    std::uint64_t at_work = 0;            ///< Leased by someone alive.
    std::uint64_t parked = 0;             ///< Waiting for their time.
    std::uint64_t retried = 0;            ///< With at least one failed attempt.
    std::uint64_t attempts_failed = 0;    ///< In all.
    std::chrono::milliseconds oldest{0};  ///< Since the longest unchanged of them changed.
};

/// An upload event that is to be sent again, as the row holds it.
struct LostEvent {
    MediaKey media;
    std::string encoded_event;
    std::string traceparent;  ///< As in `Upload`, like the next two.
    std::string first_seen;
    std::int64_t replays = 0;
    std::string taken;  ///< Tells this taking from a later one.
};

/// A message that brought a file_id.
struct StoredMessage {
    std::int64_t chat_id = 0;
    std::int64_t message_id = 0;
    std::uint64_t bytes = 0;  ///< Of the object.
};

/// How many of a bot's events are wanted at most.
struct BotRoom {
    std::string bot_slug;
    std::size_t most = 0;
};

/// How much a row gathers from the events for its media. An upload that brings more is refused; of
/// what many bring, the newest stay.
inline constexpr std::size_t max_event_ids = 1000;
inline constexpr std::size_t max_cache_keys = 5000;
inline constexpr std::size_t max_cache_tags = 1000;

/// Each call is one statement in a transaction of its own; claims that are made at the same time
/// share one, and so do parkings. What it fails with is `Pool::run`'s; text that PostgreSQL cannot
/// hold (a zero byte, invalid UTF-8) is `refused`.
///
/// Writes under a lease that was taken over, or has ended, change nothing.
///
/// `pool` outlives it. Used from one loop's thread.
class MediaStore {
public:
    explicit MediaStore(postgres::Pool& pool);

    // ---- one job -----------------------------------------------------------------------------

    /// Takes the media for `instance` until `lease` from now, unless it is ready or leased by
    /// someone alive. Whatever it finds, the upload's event id, cache keys and tags are added to
    /// the row, so that whoever finishes answers for them too. A failed media starts again, with
    /// no failed attempts. `encoded_event` is the upload as
    /// a protobuf MediaUploaded: bytes to send again, should this job get lost.
    ///
    /// To repeat a claim whose answer was lost: `known_tokens`, of the leases that `instance` knows
    /// it holds. One that it does not know of is taken over, as the same start.
    Task<Claim> claim(Upload upload, std::string encoded_event, std::string instance,
                      std::chrono::milliseconds lease,
                      std::optional<std::vector<std::int64_t>> known_tokens = std::nullopt);

    /// Makes the media ready, one version up; the lease lasts until `told`. `transient` when it was
    /// lost.
    Task<ReadyMedia> commit(Lease lease, Sent sent, bool weak);

    /// Counts the failed attempt and makes the media `failed`; the lease lasts until `told`. The
    /// ids of all its events; nothing when the lease was lost: somebody else answers for the media.
    /// May be repeated when it is not known whether it took effect.
    Task<std::optional<std::vector<std::string>>> record_dead(Lease lease, std::string error);

    /// Everybody knows that the media is ready, or has failed: ends the lease, or one that ran out.
    Task<> told(MediaKey media, std::int64_t token);

    /// The next two give the lease up; false when it was lost before. This one makes the media due
    /// again after `wait`.
    Task<bool> park(Lease lease, std::chrono::milliseconds wait, std::string error,
                    ParkedAfter after);

    /// As if it had never been taken. It is due in two seconds, unless its delivery comes before.
    Task<bool> release(Lease lease);

    /// A start that only waits is none: takes it back from `starts`, or counts it again.
    Task<> count_start(Lease lease, bool counts);

    /// To be called before Telegram is given the file: should the outcome get lost, a later claim
    /// knows that it may be posted twice. `may_be_posted` false takes that back. False when the
    /// lease was lost.
    Task<bool> note_posting(Lease lease, bool may_be_posted);

    /// Makes a media that nobody has begun `failed`, because its event was refused without a claim.
    /// The ids of the events gathered in its row; none when there is no such row.
    Task<std::vector<std::string>> record_refused(MediaKey media, std::string error);

    /// A sender was refused the media's file_id: it is to get a new one, with a version one up.
    /// With a `file_id`, only if that is still the one on record.
    Task<Renewal> renew_file_id(MediaKey media, std::string file_id);

    /// Prolongs them all to `lease` from now. Returns those that are lost.
    Task<std::vector<Lease>> renew(std::vector<Lease> leases, std::chrono::milliseconds lease);

    // ---- the reconciler ----------------------------------------------------------------------

    /// Parked jobs and outbox rows whose time has come, of each of `bots` the oldest. They are due
    /// again after `reserve`, unless `mark_resent` says before that they were sent; until then
    /// nobody else gets them. After ten minutes up to `most_of_strangers` of all bots but these and
    /// `resting` ones, too: nobody seems to know them.
    Task<std::vector<LostEvent>> take_due(std::vector<BotRoom> bots,
                                          std::vector<std::string> resting,
                                          std::size_t most_of_strangers,
                                          std::chrono::milliseconds reserve);

    /// How long until the next of them is due that is not yet; nothing if there is none.
    Task<std::optional<std::chrono::milliseconds>> next_due(std::vector<std::string> bots);

    /// Likewise media whose holder died, at work or before everybody was told.
    Task<std::vector<LostEvent>> take_orphans(std::size_t most, std::chrono::milliseconds reserve,
                                              std::vector<std::string> bots);

    /// Likewise those neither parked nor at work, and unchanged for `patience`: to be asked when
    /// the queue is empty, for then they were lost with it.
    Task<std::vector<LostEvent>> take_lost(std::size_t most, std::chrono::milliseconds reserve,
                                           std::vector<std::string> bots,
                                           std::chrono::milliseconds patience);

    /// Whether the broker has them now (they wait for nothing more), or not (they are due at once).
    /// Changes nothing for those that were claimed meanwhile.
    Task<> mark_resent(std::vector<LostEvent> events, bool arrived);

    // ---- the uploader ------------------------------------------------------------------------

    /// Records an object before its event is published: if that never happens, the service
    /// publishes it (the outbox). A failed media becomes `warming` again. One that is ready
    /// or warming stays as it is, and gets the upload's ids and keys added. Returns the status
    /// that it has now: `warming` or `ready`.
    Task<MediaStatus> register_upload(Upload upload, std::string encoded_event);

    /// The event is with the broker: the service need not publish it. Changes nothing if
    /// the media has been claimed since it was registered.
    Task<> mark_published(MediaKey media, std::string event_id);

    // ---- readers -----------------------------------------------------------------------------

    Task<std::optional<MediaRow>> find(MediaKey media);

    /// Where the newest file_id that is not weak came from, of the same object and kind, among
    /// those of `bots` that stand in `chats`.
    Task<std::optional<StoredMessage>> find_message(MediaKey media, std::vector<std::string> bots,
                                                    std::vector<std::int64_t> chats);

    /// By bot, kind and status, in this order. Reads the whole table.
    Task<std::vector<MediaCount>> overview();

private:
    struct WantedClaim {
        Upload upload;
        std::string encoded_event;
        std::string instance;
        std::chrono::milliseconds lease;
        std::optional<std::vector<std::int64_t>> known_tokens;
    };
    struct WantedPark {
        Lease lease;
        std::chrono::milliseconds wait;
        std::string error;
        ParkedAfter after = ParkedAfter::no_try;
    };
    using Claims = postgres::Grouped<WantedClaim, Claim>;
    using Parkings = postgres::Grouped<WantedPark, bool>;

    static std::vector<Claim> claim_all(pqxx::connection_base& connection,
                                        const Claims::Items& wanted);
    static std::vector<bool> park_all(pqxx::connection_base& connection,
                                      const Parkings::Items& wanted);

    postgres::Pool& pool_;
    Claims claims_;
    Parkings parkings_;
};

}  // namespace prewarm
