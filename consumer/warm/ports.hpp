/// What warming a media needs of the world. `warm` knows no socket, SQL, protobuf or clock:
/// adapters/ makes these of common's modules, and tests make them of nothing.
///
/// Every call may be cancelled (operation_aborted is thrown) and may be repeated. References are
/// kept alive by the caller until the call ends.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/claim.hpp"
#include "common/base/upload.hpp"
#include "common/runtime/task.hpp"

namespace prewarm::warm {

/// The steps of a job, in the order that a crash may cut anywhere.
enum class Step : std::uint8_t { claim, budget, transfer, commit, invalidate, announce };

/// As in the metric `job_duration_seconds{stage}`.
std::string_view name_of(Step step);

/// The state of each media (PostgreSQL).
class Ledger {
public:
    virtual ~Ledger() = default;
    /// Takes the media, unless it is ready or being warmed by someone alive.
    virtual Task<Claim> claim(const Upload& upload) = 0;
    /// Records the file_id, one version up. `transient` when the lease was lost; when
    /// `unavailable`, it may have taken effect.
    virtual Task<ReadyMedia> commit(const Lease& lease, const Sent& sent, bool weak) = 0;

    /// The ids of all events that this answers; nothing when the lease was lost: somebody else
    /// answers for the media, and nothing may be told of this attempt.
    virtual Task<std::optional<std::vector<std::string>>> record_dead(const Lease& lease,
                                                                      std::string why) = 0;
    /// A commit and a death keep the lease until everybody knows of it: this gives it up.
    virtual Task<> told(const Lease& lease) = 0;

    /// These give the lease up. False when it was lost before.
    virtual Task<bool> park(const Lease& lease, std::chrono::milliseconds wait, std::string why,
                            ParkedAfter after) = 0;
    virtual Task<bool> release(const Lease& lease) = 0;  ///< As if it had never been taken.

    /// Whether this start counts: not while it waits for others.
    virtual Task<> count_start(const Lease& lease, bool counts) = 0;

    /// Whether, from now on and until an outcome is recorded, Telegram may have it without anybody
    /// having counted that. False when the lease was lost.
    virtual Task<bool> note_posting(const Lease& lease, bool may_be_posted) = 0;

    /// The media will not get ready, and was not claimed for this event. The ids of all events that
    /// are answered by that; none if the ledger does not know it, or somebody is at it.
    virtual Task<std::vector<std::string>> record_refused(const MediaKey& media,
                                                          std::string why) = 0;
};

/// Those whose turns have come together, and whose messages may go to their chat in one request.
struct Album {
    std::string id;  ///< Unlike any other's, ever.
    std::size_t size = 0;
    bool operator==(const Album&) const = default;
};

/// Leave to send one message, to this chat, now.
struct Turn {
    std::int64_t chat_id = 0;
    std::string permit;
    std::optional<Album> album{};
};

/// Whether Telegram has what a turn was for.
enum class Posted : std::uint8_t { no, perhaps, yes };

/// Telegram's limits, and the choice of a storage chat.
class Budget {
public:
    virtual ~Budget() = default;
    /// Once it has come. `bot_refused` while the bot rests; `throttled` when it is far off, or all
    /// the bot's chats rest.
    virtual Task<Turn> wait_turn(const Upload& upload) = 0;
    /// Whether nothing was heard since the turn was given that forbids to use it.
    virtual bool holds(const Upload& upload, const Turn& turn) const = 0;
    /// The upload's object turned out to have so many bytes. False when its turn was given without
    /// knowing them, and that matters: the next one is given for so many.
    virtual bool is_turn_for(const Upload& upload, std::uint64_t bytes) = 0;
    /// To be called once for each turn that was given.
    virtual void ended(const Upload& upload, const Turn& turn, Posted posted) = 0;
    /// What Telegram said to that: who is to rest, and for how long.
    virtual void failed(const Upload& upload, const Turn& turn, const Failure& failure) = 0;
};

/// What all jobs depend on.
class Surroundings {
public:
    virtual ~Surroundings() = default;
    /// Whether `source` fails everybody, after it failed this media: it is asked; and one that says
    /// that it is well while it fails one media after the other is not believed.
    virtual asio::awaitable<bool> is_down(Dependency source, const MediaKey& failed) = 0;
    /// It served a job.
    virtual void works(Dependency source) = 0;
    /// What an upload needs and cannot have just now; nothing when it may begin.
    virtual std::optional<Failure> away() const = 0;
};

/// One try to get an object to Telegram.
struct Errand {
    Turn turn;
    /// It came out as another kind, or lacks something: the way that is most likely to mend that.
    bool insists = false;
    /// To be called when an object's size is known, before anything is done with it: what it fails
    /// with ends the errand.
    std::function<Result<>(std::uint64_t bytes)> size_is_known;
    /// To be called, once, before Telegram is given anything: what it fails with ends the errand.
    std::function<Task<>()> before_posting;
};

/// From R2 to Telegram.
class Courier {
public:
    virtual ~Courier() = default;
    /// An object whose length or digest differ from what was announced is never posted.
    /// `way_closed` when it may work another way, which the next call takes.
    virtual Task<Sent> carry(const Upload& upload, const Errand& errand) = 0;
};

/// Caches of others (Redis).
class Invalidator {
public:
    virtual ~Invalidator() = default;
    /// After it no key of the media's holds an older answer.
    virtual Task<> invalidate(const ReadyMedia& ready) = 0;
};

/// Those who wait for the media (the `media` exchange).
class Announcer {
public:
    virtual ~Announcer() = default;
    /// Tells that `upload` is answered; returns once the broker has confirmed.
    virtual Task<> announce(const Upload& upload, const ReadyMedia& ready, bool already_warm) = 0;
};

/// The passing of time.
class Clock {
public:
    virtual ~Clock() = default;
    virtual std::chrono::steady_clock::time_point now() = 0;
    virtual asio::awaitable<void> pause(std::chrono::milliseconds time) = 0;
    virtual double chance() = 0;  ///< Random, within 0 and 1.
};

/// Hears how the steps of a job go.
class StepObserver {
public:
    virtual ~StepObserver() = default;
    virtual void step_ended(Step step, std::chrono::steady_clock::duration took) = 0;
    /// A step failed, and is tried again at once or soon.
    virtual void step_retried(Step step, const Failure& failure) = 0;
    /// It has been begun before, and whoever began it did not live to tell: it runs alone.
    virtual void suspect_runs_alone(const Upload& upload, std::uint32_t starts) = 0;
    /// A weak file_id was tried once more; when that mended nothing, the weak one stays.
    virtual void weak_id_retried(const Upload& upload, bool is_mended) = 0;
    /// Telegram has it, or may have it, and its file_id was not kept: somebody else's is on record,
    /// or will be.
    virtual void upload_wasted() = 0;
};

struct Ports {
    Ledger& ledger;
    Budget& budget;
    Surroundings& surroundings;
    Courier& courier;
    Invalidator& invalidator;
    Announcer& announcer;
    Clock& clock;
    StepObserver& observer;
};

}  // namespace prewarm::warm
