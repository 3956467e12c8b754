/// A PostgreSQL database of the test's own, on the server of DATABASE_URL.
#pragma once

#include <cstdint>
#include <string>

#include <boost/url.hpp>
#include <pqxx/connection>
#include <pqxx/nontransaction>

#include "common/base/secret.hpp"
#include "tests/support/environment.hpp"

namespace prewarm::test {

/// Empty, and dropped at the end.
class FreshDatabase {
public:
    FreshDatabase() { run_on_server("CREATE DATABASE " + name_); }
    /// What is still connected is ours. WITH (FORCE) would try to end an autovacuum worker as well,
    /// and may not.
    ~FreshDatabase() {
        run_on_server("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" +
                      name_ + "' AND usename = current_user");
        run_on_server("DROP DATABASE " + name_);
    }
    FreshDatabase(const FreshDatabase&) = delete;
    FreshDatabase& operator=(const FreshDatabase&) = delete;

    Secret url() const { return url_at(server().port_number()); }

    /// The same, through a FaultGate.
    Secret url_at(std::uint16_t port) const {
        boost::urls::url url{server()};
        url.set_port_number(port);
        url.set_path("/" + name_);
        return Secret{url.buffer()};
    }

    static std::uint16_t server_port() { return server().port_number(); }

    /// What others do to it: one statement on a connection of its own.
    pqxx::result run(const std::string& statement) const {
        pqxx::connection connection{url().reveal()};
        return pqxx::nontransaction{connection}.exec(statement);
    }

private:
    static boost::urls::url server() { return boost::urls::url{required_variable("DATABASE_URL")}; }

    static void run_on_server(const std::string& statement) {
        pqxx::connection connection{required_variable("DATABASE_URL")};
        pqxx::nontransaction{connection}.exec(statement);
    }

    std::string name_ = random_name();
};

}  // namespace prewarm::test
