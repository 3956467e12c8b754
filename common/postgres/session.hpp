/// One connection to PostgreSQL, for one thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <pqxx/basic_connection.hxx>
#include <pqxx/connectionpolicy.hxx>

#include "common/base/failure.hpp"
#include "common/postgres/pool.hpp"

namespace prewarm::postgres {

/// `options` as libpq's connection string, with what the URL leaves open filled in.
/// `misconfigured`, without a word of the URL, when that cannot be read.
Result<Secret> connection_string(const PoolOptions& options);

/// How libpqxx connects: within `connect_timeout` in all, names and every address included as far
/// as libpq allows, and with the server's SQLSTATE, which libpq otherwise keeps to itself.
class ConnectInTime : public pqxx::connectionpolicy {
public:
    using connectionpolicy::connectionpolicy;
    handle do_startconnect(handle existing) override;
};

class Session {
public:
    /// Connects, which blocks.
    static Result<std::shared_ptr<Session>> open(const Secret& connection_string,
                                                 std::chrono::milliseconds statement_timeout);

    explicit Session(const std::string& connection_string);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    pqxx::connection_base& connection() { return connection_; }

    /// False once the server has closed it while nobody used it.
    bool is_idle_and_open() const;

    /// Ends what another thread waits for on this connection, which then is broken. May be
    /// called from any thread.
    void cut() const;

private:
    pqxx::basic_connection_base<ConnectInTime> connection_;
    int socket_;  ///< A duplicate: libpq may close its own at any moment, and the number be reused.
};

}  // namespace prewarm::postgres
