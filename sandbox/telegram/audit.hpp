/// What was posted to Telegram, for whoever wants to check it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

#include "sandbox/telegram/file_register.hpp"

namespace prewarm::sandbox {

struct Received {
    std::chrono::system_clock::time_point time;
    std::int64_t bot_id = 0;
    std::int64_t chat_id = 0;
    std::int64_t message_id = 0;
    std::string method;
    bool is_upload = false;  ///< False: sent by file_id.
    std::string declared;    ///< The request's parameters of the media, a JSON object.
    StoredFile file;
    FileNames names;
    std::chrono::microseconds request_time{0};  ///< From the request's header to its posting.
};

/// Keeps the newest `capacity` postings.
class Audit {
public:
    explicit Audit(std::size_t capacity) : capacity_{capacity} {}

    void add(Received received);
    void clear() { received_.clear(); }
    /// A JSON object a line, oldest first.
    std::string json_lines() const;

private:
    std::size_t capacity_;
    std::deque<Received> received_;
};

}  // namespace prewarm::sandbox
