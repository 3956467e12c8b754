#include "consumer/adapters/album_desk.hpp"

#include <algorithm>
#include <utility>

#include "common/log/log.hpp"
#include "common/runtime/wait.hpp"

namespace prewarm {
namespace {

/// For one that was on its way when the service stopped.
telegram::Posting unknown_posting() {
    return {.sent = Failure{FailureKind::outcome_unknown,
                            "sendMediaGroup: broken off; it may have been posted all the same"},
            .outcome_unknown = true};
}

}  // namespace

struct AlbumDesk::Member {
    telegram::OutgoingMedia& photo;
    asio::steady_timer woken;
    std::optional<std::size_t> place{};  ///< In the request, once it has gone.
    bool is_done = false;
    std::optional<telegram::Posting> posting{};
};

struct AlbumDesk::Table {
    Table(const asio::any_io_executor& executor, std::size_t size)
        : coming{size}, changed{never(executor)} {}

    std::size_t coming;         ///< Have neither joined nor left.
    std::list<Member> members;  ///< That wait here.
    bool has_gone = false;      ///< Without those who are still coming.
    asio::steady_timer changed;
    bool is_served = false;
    Secret token{};  ///< Of the first who joined, as the deadline is.
    Deadline deadline{};
};

AlbumDesk::AlbumDesk(asio::any_io_executor executor, Options options)
    : executor_{std::move(executor)}, options_{std::move(options)}, tasks_{executor_} {}

bool AlbumDesk::takes(const Upload& upload) const {
    return upload.media.kind == MediaKind::photo && upload.bytes > 0 &&
           upload.bytes <= options_.most_bytes && upload.warmup_chat_id == 0 &&
           !alone_.contains(upload.media);
}

AlbumDesk::Seat AlbumDesk::seat_of(const Upload& upload, const warm::Turn& turn) {
    if (!turn.album) return {};
    return {*this, *turn.album, upload.media};
}

std::shared_ptr<AlbumDesk::Table> AlbumDesk::expect_one_less(const warm::Album& album) {
    const auto place = tables_.find(album.id);
    auto table =
        place != tables_.end() ? place->second : std::make_shared<Table>(executor_, album.size);
    if (place == tables_.end()) tables_.emplace(album.id, table);
    if (--table->coming == 0) {
        tables_.erase(album.id);
        if (!table->has_gone) table->changed.cancel();
    }
    return table;
}

void AlbumDesk::leave(const warm::Album& album) {
    (void)expect_one_less(album);
}

asio::awaitable<std::optional<telegram::Posting>> AlbumDesk::wait_at(std::shared_ptr<Table> table,
                                                                     Secret token,
                                                                     telegram::OutgoingMedia& photo,
                                                                     Deadline deadline) {
    if (table->has_gone) co_return std::nullopt;
    struct Place {
        Table& table;
        std::list<Member>::iterator mine;
        ~Place() {
            table.members.erase(mine);
            if (table.members.empty()) table.changed.cancel();
        }
    } place{*table, table->members.insert(table->members.end(),
                                          Member{.photo = photo, .woken = never(executor_)})};
    if (!table->is_served) {
        table->is_served = true;
        table->token = std::move(token);
        table->deadline = deadline;
        tasks_.spawn(serve(table));
    }
    auto& mine = *place.mine;
    while (!mine.is_done)
        co_await wake_up(mine.woken);
    co_return std::move(mine.posting);
}

asio::awaitable<void> AlbumDesk::serve(std::shared_ptr<Table> table) {
    struct End {
        Table& table;
        ~End() {
            table.has_gone = true;
            for (auto& member : table.members) {
                if (member.place && !member.posting) member.posting = unknown_posting();
                member.is_done = true;
                member.woken.cancel();
            }
        }
    } end{*table};
    const auto patient_until = deadline_in(options_.patience);
    while (table->coming > 0 && std::chrono::steady_clock::now() < patient_until) {
        table->changed.expires_at(patient_until);
        co_await wake_up(table->changed);
    }
    table->has_gone = true;
    if (table->members.size() > 1) co_await send(*table);
}

asio::awaitable<void> AlbumDesk::send(Table& table) {
    std::vector<telegram::OutgoingMedia> photos;
    for (auto& member : table.members) {
        member.place = photos.size();
        photos.push_back(std::move(member.photo));
    }
    table.changed.expires_at(Deadline::max());
    // The last member that is cancelled cancels the timer.
    auto [order, thrown, postings, abandoned] =
        co_await asio::experimental::make_parallel_group(
            asio::co_spawn(executor_,
                           options_.send(std::move(table.token), std::move(photos), table.deadline),
                           asio::deferred),
            table.changed.async_wait(asio::deferred))
            .async_wait(asio::experimental::wait_for_one{}, asio::use_awaitable);
    if (thrown && !table.members.empty()) std::rethrow_exception(thrown);
    if (thrown) co_return;
    const auto refused = std::ranges::find_if(postings, [](const telegram::Posting& one) {
        return !one.sent && one.sent.error().kind == FailureKind::way_closed;
    });
    if (refused != postings.end()) {
        log::warn("album.refused", "an album's photos go one by one, for one of them is refused",
                  {{"photos", postings.size()}, {"error", refused->sent.error().detail}});
    }
    for (auto& member : table.members)
        member.posting = std::move(postings.at(*member.place));
}

void AlbumDesk::remember(const MediaKey& media) {
    if (!alone_.insert(media).second) return;
    remembered_.push_back(media);
    if (remembered_.size() <= options_.most_remembered) return;
    alone_.erase(remembered_.front());
    remembered_.pop_front();
}

asio::awaitable<bool> AlbumDesk::close(Deadline deadline) {
    tasks_.cancel_all();
    co_return co_await tasks_.join(deadline);
}

AlbumDesk::Seat::Seat(Seat&& other) noexcept
    : desk_{std::exchange(other.desk_, nullptr)},
      album_{std::move(other.album_)},
      media_{std::move(other.media_)} {}

void AlbumDesk::Seat::leave() {
    if (desk_ != nullptr) std::exchange(desk_, nullptr)->leave(album_);
}

asio::awaitable<std::optional<telegram::Posting>> AlbumDesk::Seat::go(
    Secret token, telegram::OutgoingMedia& photo, Deadline deadline) {
    if (desk_ == nullptr) co_return std::nullopt;
    auto& desk = *std::exchange(desk_, nullptr);
    auto table = desk.expect_one_less(album_);
    auto posting = co_await desk.wait_at(std::move(table), std::move(token), photo, deadline);
    // Alone it either goes, or is to blame.
    if (posting && !posting->sent &&
        (posting->sent.error().kind == FailureKind::way_closed ||
         posting->sent.error().kind == FailureKind::transient))
        desk.remember(media_);
    co_return posting;
}

}  // namespace prewarm
