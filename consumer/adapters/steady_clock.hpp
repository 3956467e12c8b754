/// The passing of time, as the operating system sees it.
#pragma once

#include "common/runtime/deadline.hpp"
#include "consumer/warm/ports.hpp"

namespace prewarm {

class SteadyClock : public warm::Clock {
public:
    std::chrono::steady_clock::time_point now() override {
        return std::chrono::steady_clock::now();
    }
    asio::awaitable<void> pause(std::chrono::milliseconds time) override { return sleep_for(time); }
};

}  // namespace prewarm
