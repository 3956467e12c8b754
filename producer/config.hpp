/// The service's variables (contract, section 7), as far as commands need them. Each function
/// reads its part of `settings`, which gathers the problems of all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/amqp/link.hpp"
#include "common/config/settings.hpp"
#include "common/postgres/pool.hpp"
#include "common/s3/signature.hpp"
#include "common/topology/topology.hpp"

namespace prewarm::producer {

struct BrokerConfig {
    std::vector<amqp::BrokerAddress> brokers;
    topology::Names names;

    amqp::ConnectionOptions connection(std::string_view command) const;
};

struct StorageConfig {
    std::string endpoint;
    std::string bucket;  ///< Where events without a bucket point to.
    s3::Credentials credentials;
};

BrokerConfig broker_config(config::Settings& settings);
postgres::PoolOptions database_config(config::Settings& settings);
StorageConfig storage_config(config::Settings& settings);

/// What an event says for this bucket: nothing for R2_BUCKET. One that the service would refuse, as
/// far as the environment tells, is a problem for `settings`.
std::string bucket_in_event(config::Settings& settings, const std::string& bucket);

}  // namespace prewarm::producer
