#include "producer/runner.hpp"

#include <csignal>
#include <exception>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/system_error.hpp>

namespace prewarm::producer {
namespace {

bool is_cancellation(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const boost::system::system_error& error) {
        return error.code() == asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

}  // namespace

std::optional<ExitStatus> Runner::run(asio::awaitable<ExitStatus> work) {
    asio::cancellation_signal cancel;
    asio::signal_set signals{loop_, SIGINT, SIGTERM};
    signals.async_wait([&](boost::system::error_code error, int) {
        if (error) return;
        interrupted_ = true;
        signals.clear();
        cancel.emit(asio::cancellation_type::terminal);
    });

    std::optional<ExitStatus> status;
    std::exception_ptr thrown;
    auto done = [&](std::exception_ptr error, ExitStatus ended) {
        thrown = error;
        if (!error) status = ended;
        signals.cancel();
        beside_.cancel_all();
    };
    asio::co_spawn(loop_, std::move(work), asio::bind_cancellation_slot(cancel.slot(), done));
    loop_.run();
    if (thrown && !(interrupted_ && is_cancellation(thrown))) std::rethrow_exception(thrown);
    return status;
}

ExitStatus run_to_end(Runner& runner, asio::awaitable<ExitStatus> work) {
    const auto status = runner.run(std::move(work));
    if (!status) throw CommandError{ExitStatus::work_failed, "interrupted"};
    return *status;
}

}  // namespace prewarm::producer
