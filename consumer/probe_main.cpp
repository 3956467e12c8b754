/// prewarm-probe: looks into one container for prewarm-consumer, which has the bytes, in a process
/// of its own. What decodes files of strangers needs tens of megabytes and, one day, may be taken
/// over by one: here it holds no secret and no connection, and goes when its file is done.
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/probe/probe.hpp"
#include "common/probe/wire.hpp"

namespace {

using namespace prewarm;

constexpr int consumer = 0;  // The socket's descriptor.
constexpr int misused = 2;

bool send_all(const void* bytes, std::size_t size) {
    const auto* at = static_cast<const char*>(bytes);
    while (size > 0) {
        const auto sent = send(consumer, at, size, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        at += sent;
        size -= static_cast<std::size_t>(sent);
    }
    return true;
}

bool receive_all(void* bytes, std::size_t size) {
    auto* at = static_cast<char*>(bytes);
    while (size > 0) {
        const auto received = recv(consumer, at, size, 0);
        if (received <= 0) return false;
        at += received;
        size -= static_cast<std::size_t>(received);
    }
    return true;
}

/// The consumer's bytes.
class AskedBytes : public probe::ByteSource {
public:
    explicit AskedBytes(std::uint64_t size_bytes) : size_bytes_{size_bytes} {}

    std::uint64_t size_bytes() const override { return size_bytes_; }
    Result<> read_at(std::uint64_t offset, std::span<std::uint8_t> into) override {
        const probe::Message question{.first = offset, .size = into.size()};
        probe::Answer answer;
        if (send_all(&question, sizeof(question)) && receive_all(&answer, sizeof(answer)) &&
            answer.size == into.size() && receive_all(into.data(), into.size()))
            return {};
        return Failure{FailureKind::transient, "the object cannot be read"};
    }

private:
    std::uint64_t size_bytes_;
};

void limit(int resource, rlim_t most) {
    const rlimit both{most, most};
    setrlimit(static_cast<__rlimit_resource>(resource), &both);
}

void give_up_what_is_not_needed() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    // The consumer finishes its jobs when it is told to end, and needs this for them.
    std::signal(SIGTERM, SIG_IGN);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_NPROC, 0);
    limit(RLIMIT_CPU, 20);
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
    limit(RLIMIT_AS, rlim_t{512} << 20U);
#endif
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

int main(int argc, char** argv) {
    const std::span arguments{argv, static_cast<std::size_t>(argc)};
    const auto size = argc == 4 ? number_in(arguments[1]) : std::nullopt;
    const auto most = argc == 4 ? number_in(arguments[2]) : std::nullopt;
    const auto milliseconds = argc == 4 ? number_in(arguments[3]) : std::nullopt;
    if (!size || !most || !milliseconds) {
        fmt::print(stderr, "prewarm-probe " PREWARM_VERSION ": prewarm-consumer runs it\n");
        return misused;
    }
    give_up_what_is_not_needed();

    AskedBytes bytes{*size};
    const auto text =
        probe::encode(probe::probe(bytes, {.read_bytes = *most,
                                           .deadline = std::chrono::steady_clock::now() +
                                                       std::chrono::milliseconds{*milliseconds}}));
    const probe::Message result{.is_result = 1, .size = text.size()};
    const bool told = send_all(&result, sizeof(result)) && send_all(text.data(), text.size());
    // Nobody waits for the rest.
    std::_Exit(told ? 0 : 1);
}
