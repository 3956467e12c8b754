/// Arguments that several commands take. What they are stored in must outlive the parsing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace prewarm::producer {

/// `^[a-z0-9][a-z0-9_-]{0,63}$`
CLI::Option* add_bot(CLI::App& command, const std::string& name, std::string& slug,
                     const std::string& description);
/// 64 hex digits.
CLI::Option* add_sha256(CLI::App& command, const std::string& name, std::string& hex);
/// One of the eight kinds, as the contract spells them.
CLI::Option* add_kind(CLI::App& command, const std::string& name, std::string& kind,
                      const std::string& description);

/// `--bucket`, `--chat`, `--cache-key` and `--cache-tag`, as both upload and publish have them.
void add_event_options(CLI::App& command, std::string& bucket, std::int64_t& chat,
                       std::vector<std::string>& cache_keys, std::vector<std::string>& cache_tags);

}  // namespace prewarm::producer
