/// What RabbitMQ has made of our queues, held against the contract (section 3).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/base/failure.hpp"
#include "common/topology/topology.hpp"

namespace prewarm {

/// What is wrong with a queue: each a sentence or more saying what is set and by whom, what that
/// does to us, and what to do. Empty: all is well.
///
/// `answer` is the management API's to GET /api/queues/<vhost>/<queue>. Policies and arguments
/// are judged by what comes into force of both, as RabbitMQ settles it for quorum queues: a policy
/// that the queue's own argument overrules is no fault.
///
/// `transient` while the answer shows no policies: they come some ten seconds after the queue or
/// the broker, and never where the broker's statistics are switched off.
Result<std::vector<std::string>> faults_of_upload_queue(std::string_view answer,
                                                        const topology::Names& names);
Result<std::vector<std::string>> faults_of_dead_letter_queue(std::string_view answer);

}  // namespace prewarm
