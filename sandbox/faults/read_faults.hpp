/// Rules as people write them: a JSON array, described in docs/sandbox.md.
#pragma once

#include <string>
#include <string_view>

#include "common/base/failure.hpp"
#include "sandbox/faults/fault_rule.hpp"

namespace prewarm::sandbox {

/// `misconfigured` when something is wrong, naming the rule (counted from 1), the field, and what
/// it should be.
Result<FaultScript> read_faults(std::string_view json);

/// Likewise, of a file; also when it cannot be read.
Result<FaultScript> read_faults_file(const std::string& path);

}  // namespace prewarm::sandbox
