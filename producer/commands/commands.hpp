/// The subcommands. Each function adds one, with its options, to the program.
#pragma once

#include "producer/command.hpp"

namespace prewarm::producer {

void add_migrate(CLI::App& program, Request& request);
void add_topology(CLI::App& program, Request& request);
void add_upload(CLI::App& program, Request& request);
void add_publish(CLI::App& program, Request& request);
void add_lookup(CLI::App& program, Request& request);
void add_refused(CLI::App& program, Request& request);
void add_status(CLI::App& program, Request& request);
void add_events(CLI::App& program, Request& request);
void add_dlq(CLI::App& program, Request& request);

}  // namespace prewarm::producer
