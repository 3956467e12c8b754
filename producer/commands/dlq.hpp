/// What the subcommands of `prewarmctl dlq` share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/amqp/connection.hpp"
#include "producer/command.hpp"
#include "producer/config.hpp"
#include "producer/dead_letters/letter_filter.hpp"
#include "producer/dead_letters/look_through.hpp"

namespace prewarm::producer {

/// The filter's options, as they are given.
struct FilterOptions {
    std::vector<std::string> reasons;
    std::string bot;
    std::string since;
    std::vector<std::string> names;
    std::uint64_t limit = 0;

    LetterFilter filter() const;
};

/// `--reason`, `--bot`, `--since` and `--limit`, which stay in `options`.
void add_filter(CLI::App& command, FilterOptions& options);
/// `--id`
void add_names(CLI::App& command, FilterOptions& options);

/// Throws CommandError.
asio::awaitable<std::unique_ptr<amqp::Connection>> connect_for(std::string command,
                                                               BrokerConfig broker);
/// Sends what is queued.
asio::awaitable<void> part_from(amqp::Connection& connection);

/// Throws CommandError, with what to do when there is no queue.
asio::awaitable<Looked> look_at_letters(amqp::Connection& connection, topology::Names names,
                                        LetterFilter filter, Found found);

/// What a person wants to know besides what matched: that nothing did, that there is more, that
/// looking wears the letters out.
void tell_what_was_seen(const Looked& looked, const LetterFilter& filter,
                        const topology::Names& names, std::ostream& err);

void add_dlq_groups(CLI::App& dlq, Request& request);
void add_dlq_list(CLI::App& dlq, Request& request);
void add_dlq_show(CLI::App& dlq, Request& request);
void add_dlq_replay(CLI::App& dlq, Request& request);
void add_dlq_drop(CLI::App& dlq, Request& request);

}  // namespace prewarm::producer
