/// Where the photos of an album meet before they go to Telegram together.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/secret.hpp"
#include "common/runtime/deadline.hpp"
#include "common/runtime/task_group.hpp"
#include "common/telegram/bot_client.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

/// As many as an album's size come to it: each goes with it or leaves, once. Who waits does so for
/// no longer than `patience`: who comes later, or is the only one left, sends its photo alone.
///
/// The request belongs to none of them, so that the others hear how it went when one of them is
/// cancelled; it is broken off when all of them are.
///
/// One loop's thread; to be closed before it is destroyed, when nobody uses it any more.
class AlbumDesk {
public:
    struct Options {
        std::function<asio::awaitable<std::vector<telegram::Posting>>(
            Secret token, std::vector<telegram::OutgoingMedia>, Deadline)>
            send;
        std::uint64_t most_bytes = 256 * 1024;  ///< Of a photo. They are held whole.
        std::chrono::milliseconds patience{3000};
        std::size_t most_remembered = 10'000;
    };
    class Seat;

    AlbumDesk(asio::any_io_executor executor, Options options);
    AlbumDesk(const AlbumDesk&) = delete;
    AlbumDesk& operator=(const AlbumDesk&) = delete;

    /// Whether it may go in an album: a small photo for any of the bot's chats that no album was
    /// refused with.
    bool takes(const Upload& upload) const;
    /// The place of an upload whose turn has come.
    Seat seat_of(const Upload& upload, const warm::Turn& turn);
    /// One of them will not come.
    void leave(const warm::Album& album);

    asio::awaitable<bool> close(Deadline deadline);

private:
    struct Member;
    struct Table;

    std::shared_ptr<Table> expect_one_less(const warm::Album& album);
    asio::awaitable<std::optional<telegram::Posting>> wait_at(std::shared_ptr<Table> table,
                                                              Secret token,
                                                              telegram::OutgoingMedia& photo,
                                                              Deadline deadline);
    asio::awaitable<void> serve(std::shared_ptr<Table> table);
    asio::awaitable<void> send(Table& table);
    void remember(const MediaKey& media);

    asio::any_io_executor executor_;
    Options options_;
    std::map<std::string, std::shared_ptr<Table>> tables_;  ///< To which somebody is still to come.
    std::set<MediaKey> alone_;                              ///< An album was refused with them.
    std::deque<MediaKey> remembered_;                       ///< Likewise, oldest first.
    TaskGroup tasks_;
};

/// One upload's place: given up when it is destroyed. The desk outlives it.
class AlbumDesk::Seat {
public:
    Seat() = default;  ///< No album: it goes alone.
    Seat(AlbumDesk& desk, warm::Album album, MediaKey media)
        : desk_{&desk}, album_{std::move(album)}, media_{std::move(media)} {}
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    Seat(Seat&& other) noexcept;
    ~Seat() { leave(); }

    /// The others do not wait for it any more.
    void leave();
    /// How it went with the others; nothing when it is to be sent alone, and `photo`, which the
    /// caller keeps alive, is as it was.
    asio::awaitable<std::optional<telegram::Posting>> go(Secret token,
                                                         telegram::OutgoingMedia& photo,
                                                         Deadline deadline);

private:
    AlbumDesk* desk_ = nullptr;  ///< Null when there is no place (any more).
    warm::Album album_;
    MediaKey media_;
};

}  // namespace prewarm
