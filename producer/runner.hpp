/// A loop for one command.
#pragma once

#include <optional>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "common/runtime/task_group.hpp"
#include "producer/command.hpp"

namespace prewarm::producer {

namespace asio = boost::asio;

/// Runs a command's coroutine to its end. SIGINT and SIGTERM cancel it; a second one ends the
/// process at once, as usual. Use it once; what the coroutine uses must outlive `run`.
class Runner {
public:
    asio::any_io_executor executor() { return loop_.get_executor(); }

    /// For what runs beside the command until it ends, such as a publisher: it is cancelled then.
    TaskGroup& beside() { return beside_; }

    /// What `work` returns; nothing when a signal cancelled it. What it throws is thrown here.
    std::optional<ExitStatus> run(asio::awaitable<ExitStatus> work);

    /// A signal came, whether or not `work` let itself be cancelled.
    bool interrupted() const { return interrupted_; }

private:
    asio::io_context loop_;
    TaskGroup beside_{loop_.get_executor()};
    bool interrupted_ = false;
};

/// For a command that a signal leaves unfinished.
ExitStatus run_to_end(Runner& runner, asio::awaitable<ExitStatus> work);

}  // namespace prewarm::producer
