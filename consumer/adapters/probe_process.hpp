/// A process that looks into one container (prewarm-probe), and the line to it.
#pragma once

#include <cstdint>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <sys/types.h>

#include "common/probe/wire.hpp"
#include "common/runtime/task.hpp"

namespace prewarm {

/// Ended by its destructor, whatever it is at. It inherits nothing: no environment, no connection.
/// One loop's thread. A process that went is a `transient` failure of every call.
class ProbeProcess {
public:
    /// `program` is prewarm-probe's path; `misconfigured` when it cannot be started.
    static Result<ProbeProcess> start(const asio::any_io_executor& executor,
                                      const std::string& program, std::uint64_t size_bytes,
                                      const probe::Limits& limits);
    ~ProbeProcess();
    ProbeProcess(ProbeProcess&& other) noexcept;
    ProbeProcess& operator=(ProbeProcess&&) = delete;

    Task<probe::Message> message();
    Task<> answer(std::string bytes);
    /// What follows a message that is a result.
    Task<probe::Found> result(std::uint64_t size);

private:
    using Socket = asio::local::stream_protocol::socket;
    ProbeProcess(Socket socket, pid_t pid) : socket_{std::move(socket)}, pid_{pid} {}

    Socket socket_;
    pid_t pid_ = 0;
};

}  // namespace prewarm
