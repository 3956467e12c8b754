#include "sandbox/telegram/audit.hpp"

#include <boost/json.hpp>
#include <fmt/chrono.h>

namespace prewarm::sandbox {
namespace {

namespace json = boost::json;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::system_clock;

std::string timestamp(system_clock::time_point time) {
    const auto since_epoch = duration_cast<milliseconds>(time.time_since_epoch()).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(system_clock::to_time_t(time)),
                       since_epoch % 1000);
}

std::string line_of(const Received& received) {
    const auto& file = received.file;
    json::object line{{"time", timestamp(received.time)},
                      {"bot_id", received.bot_id},
                      {"chat_id", received.chat_id},
                      {"message_id", received.message_id},
                      {"method", received.method},
                      {"upload", received.is_upload},
                      {"kind", name_of(file.kind)},
                      {"file_name", file.file_name},
                      {"mime_type", file.mime_type},
                      {"bytes", file.bytes},
                      {"sha256", file.sha256.hex()},
                      {"declared", json::parse(received.declared)},
                      {"thumbnail_bytes", file.thumbnail_bytes},
                      {"file_id", received.names.file_id},
                      {"file_unique_id", received.names.file_unique_id},
                      {"request_us", received.request_time.count()}};
    return json::serialize(line);
}

}  // namespace

void Audit::add(Received received) {
    received_.push_back(std::move(received));
    if (received_.size() > capacity_) received_.pop_front();
}

std::string Audit::json_lines() const {
    std::string lines;
    for (const auto& one : received_)
        lines += line_of(one) + '\n';
    return lines;
}

}  // namespace prewarm::sandbox
