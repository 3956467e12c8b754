/// Lets one job run with nothing else at work.
#pragma once

#include <cstddef>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace prewarm::warm {

namespace asio = boost::asio;

/// Many may be inside together, or one alone. Who waits to be alone keeps newcomers out, so that
/// its turn comes. Lives on one loop's thread, and longer than every Stay.
class Isolation {
public:
    /// Ends the stay when it is destroyed.
    class Stay {
    public:
        Stay(Stay&& other) noexcept
            : owner_{std::exchange(other.owner_, nullptr)}, alone_{other.alone_} {}
        Stay& operator=(Stay&&) = delete;
        ~Stay() {
            if (owner_ != nullptr) owner_->leave(alone_);
        }

    private:
        friend class Isolation;
        Stay(Isolation& owner, bool alone) : owner_{&owner}, alone_{alone} {}
        Isolation* owner_;
        bool alone_;
    };

    explicit Isolation(asio::any_io_executor executor);

    /// Whether the call of that name would end at once.
    bool can_enter() const { return !taken_alone_ && waiting_to_be_alone_ == 0; }
    bool can_enter_alone() const { return !taken_alone_ && inside_ == 0; }

    /// Both wait as long as it takes; cancelled, they throw and nothing has changed.
    asio::awaitable<Stay> enter();
    asio::awaitable<Stay> enter_alone();

private:
    void leave(bool alone);

    asio::steady_timer changed_;
    std::size_t inside_ = 0;
    std::size_t waiting_to_be_alone_ = 0;
    bool taken_alone_ = false;
};

}  // namespace prewarm::warm
