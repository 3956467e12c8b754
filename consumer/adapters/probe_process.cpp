#include "consumer/adapters/probe_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "common/runtime/wait.hpp"

namespace prewarm {
namespace {

Failure gone(const boost::system::error_code& error) {
    return {FailureKind::transient, "the probe's process went: " + error.message()};
}

/// Starts `program` with `socket` as its descriptor 0, and nothing else of ours.
int spawn(pid_t& pid, const std::string& program, std::vector<std::string> arguments, int socket) {
    std::vector<char*> pointers;
    for (auto& argument : arguments)
        pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    std::array<char*, 1> no_environment{nullptr};

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, socket, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    // A Ctrl-C is for the service, which lets its jobs end.
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const int failed = posix_spawn(&pid, program.c_str(), &files, &attributes, pointers.data(),
                                   no_environment.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return failed;
}

}  // namespace

Result<ProbeProcess> ProbeProcess::start(const asio::any_io_executor& executor,
                                         const std::string& program, std::uint64_t size_bytes,
                                         const probe::Limits& limits) {
    Socket ours{executor};
    Socket theirs{executor};
    boost::system::error_code error;
    asio::local::connect_pair(ours, theirs, error);
    if (error) return Failure{FailureKind::transient, "no line to a probe: " + error.message()};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        limits.deadline - std::chrono::steady_clock::now());
    pid_t pid = 0;
    const int failed =
        spawn(pid, program,
              {program, std::to_string(size_bytes), std::to_string(limits.read_bytes),
               std::to_string(std::max<std::int64_t>(left.count(), 0))},
              theirs.native_handle());
    if (failed != 0) {
        return Failure{FailureKind::misconfigured,
                       program + " cannot be started: " + std::strerror(failed)};
    }
    return ProbeProcess{std::move(ours), pid};
}

ProbeProcess::ProbeProcess(ProbeProcess&& other) noexcept
    : socket_{std::move(other.socket_)}, pid_{std::exchange(other.pid_, 0)} {}

ProbeProcess::~ProbeProcess() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    // It takes as long as giving its memory back.
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

Task<probe::Message> ProbeProcess::message() {
    probe::Message message;
    boost::system::error_code error;
    co_await asio::async_read(socket_, asio::buffer(&message, sizeof(message)),
                              asio::redirect_error(asio::use_awaitable, error));
    co_await throw_if_cancelled();
    if (error) co_return gone(error);
    co_return message;
}

Task<> ProbeProcess::answer(std::string bytes) {
    const probe::Answer answer{bytes.size()};
    const std::array<asio::const_buffer, 2> all{asio::buffer(&answer, sizeof(answer)),
                                                asio::buffer(bytes)};
    boost::system::error_code error;
    co_await asio::async_write(socket_, all, asio::redirect_error(asio::use_awaitable, error));
    co_await throw_if_cancelled();
    if (error) co_return gone(error);
    co_return Result<>{};
}

Task<probe::Found> ProbeProcess::result(std::uint64_t size) {
    if (size > probe::most_result_bytes)
        co_return Failure{FailureKind::refused, "the probe's result is too long to be one"};
    std::string text(static_cast<std::size_t>(size), '\0');
    boost::system::error_code error;
    co_await asio::async_read(socket_, asio::buffer(text),
                              asio::redirect_error(asio::use_awaitable, error));
    co_await throw_if_cancelled();
    if (error) co_return gone(error);
    co_return probe::decode(text);
}

}  // namespace prewarm
