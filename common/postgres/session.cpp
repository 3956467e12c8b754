#include "common/postgres/session.hpp"

#include <cerrno>
#include <regex>
#include <system_error>

#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pqxx/nontransaction>
#include <sys/socket.h>
#include <unistd.h>

#include "common/postgres/failures.hpp"

namespace prewarm::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// What libpq says when it cannot connect, with the SQLSTATE if the server said it.
class ConnectFailed : public pqxx::broken_connection {
public:
    ConnectFailed(const std::string& message, std::string sqlstate)
        : broken_connection{message}, sqlstate{std::move(sqlstate)} {}

    std::string sqlstate;
};

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

std::string quoted(std::string_view value) {
    std::string text{"'"};
    for (const char c : value) {
        if (c == '\'' || c == '\\') text += '\\';
        text += c;
    }
    return text + '\'';
}

milliseconds connect_timeout_of(PGconn* connection) {
    const Options options{PQconninfo(connection), &PQconninfoFree};
    for (auto* option = options.get(); option != nullptr && option->keyword != nullptr; ++option) {
        if (std::string_view{option->keyword} != "connect_timeout" || option->val == nullptr)
            continue;
        return std::chrono::seconds{std::max(std::atoi(option->val), 1)};
    }
    return std::chrono::seconds{3};
}

/// Why it failed; with the address first, as libpq tells it.
ConnectFailed failed(PGconn* connection) {
    static const std::regex sqlstate_in{":  ([0-9A-Z]{5}): "};
    static const std::regex location{"\nLOCATION: [^\n]*"};
    std::string message{PQerrorMessage(connection)};
    std::smatch found;
    std::string sqlstate;
    if (std::regex_search(message, found, sqlstate_in)) sqlstate = found[1];
    return {std::regex_replace(message, location, ""), sqlstate};
}

/// Drives libpq until it is connected, has failed, or time is up.
void connect(PGconn* connection) {
    const auto deadline = steady_clock::now() + connect_timeout_of(connection);
    auto step = PGRES_POLLING_WRITING;  // As libpq wants it: as if PQconnectPoll had said so.
    while (true) {
        if (PQstatus(connection) == CONNECTION_BAD || step == PGRES_POLLING_FAILED) {
            throw failed(connection);
        }
        if (step == PGRES_POLLING_OK) return;
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
        if (left <= milliseconds{0}) throw ConnectFailed{"no connection in time", ""};
        pollfd waiting{PQsocket(connection),
                       static_cast<short>(step == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
        if (poll(&waiting, 1, static_cast<int>(left.count())) > 0) step = PQconnectPoll(connection);
    }
}

}  // namespace

Result<Secret> connection_string(const PoolOptions& options) {
    char* error = nullptr;
    const Options parsed{PQconninfoParse(options.url.reveal().c_str(), &error), &PQconninfoFree};
    PQfreemem(error);  // It may quote the URL, password and all.
    if (!parsed || options.url.empty()) {
        return Failure{FailureKind::misconfigured,
                       "the database's URL cannot be read: expected "
                       "postgresql://user:password@host:5432/database"};
    }
    using namespace std::chrono;
    const auto call_timeout = std::to_string(options.call_timeout.count());
    // A peer that vanished without a word is noticed within a call's time limit.
    const std::map<std::string_view, std::string> ours{
        {"application_name", options.application_name},
        {"client_encoding", "UTF8"},
        {"connect_timeout", std::to_string(ceil<seconds>(options.connect_timeout).count())},
        {"keepalives_idle", "30"},
        {"keepalives_interval", "10"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", call_timeout}};
    std::string text;
    for (auto* option = parsed.get(); option->keyword != nullptr; ++option) {
        const auto name = std::string_view{option->keyword};
        const auto our = ours.find(name);
        if (option->val == nullptr && our == ours.end()) continue;
        text += std::string{name} + '=' +
                quoted(option->val != nullptr ? option->val : our->second) + ' ';
    }
    return Secret{std::move(text)};
}

ConnectInTime::handle ConnectInTime::do_startconnect(handle existing) {
    if (existing != nullptr) return existing;
    std::unique_ptr<PGconn, decltype(&PQfinish)> made{PQconnectStart(options().c_str()), &PQfinish};
    if (!made) throw std::bad_alloc{};
    PQsetErrorVerbosity(made.get(), PQERRORS_VERBOSE);
    connect(made.get());
    PQsetErrorVerbosity(made.get(), PQERRORS_DEFAULT);
    return made.release();
}

Result<std::shared_ptr<Session>> Session::open(const Secret& connection_string,
                                               milliseconds statement_timeout) {
    try {
        auto session = std::make_shared<Session>(connection_string.reveal());
        pqxx::nontransaction settings{session->connection()};
        const auto limit = std::to_string(statement_timeout.count());
        // The server, too, gives up what nobody waits for any more.
        settings.exec("SET statement_timeout = " + limit +
                      "; SET idle_in_transaction_session_timeout = " + limit +
                      "; SET default_transaction_isolation = 'read committed'");
        return session;
    } catch (const ConnectFailed& refused) {
        return failure_saying(kind_of(refused.sqlstate), refused.what());
    } catch (...) {
        return failure_at_hand();
    }
}

Session::Session(const std::string& connection_string)
    : connection_{connection_string}, socket_{fcntl(connection_.sock(), F_DUPFD_CLOEXEC, 0)} {
    if (socket_ < 0) throw std::system_error{errno, std::generic_category(), "dup"};
}

Session::~Session() {
    close(socket_);
}

bool Session::is_idle_and_open() const {
    // The server speaks unasked only to say that it ends the connection. (Or that a setting has
    // changed: a new connection is cheap.)
    pollfd waiting{socket_, POLLIN, 0};
    return poll(&waiting, 1, 0) == 0;
}

void Session::cut() const {
    shutdown(socket_, SHUT_RDWR);
}

}  // namespace prewarm::postgres
