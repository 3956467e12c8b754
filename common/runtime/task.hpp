/// The type of every coroutine that can fail in an expected way.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "common/base/failure.hpp"

namespace prewarm {

namespace asio = boost::asio;

/// Ends with a value or a Failure. Cancellation is thrown: boost::system::system_error with
/// asio::error::operation_aborted, from the co_await that was interrupted.
template <class T = void>
using Task = asio::awaitable<Result<T>>;

}  // namespace prewarm
