/// What goes wrong in a sandbox, told to it while it runs.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "common/http/client.hpp"
#include "tests/support/run_to_end.hpp"

namespace prewarm::test {

/// `rules` are a JSON array, see docs/sandbox.md; they take the place of those before.
inline void put_faults(asio::io_context& loop, const std::string& sandbox_url, std::string rules) {
    http::Client client{loop.get_executor(), {}};
    const auto response =
        run_to_end(loop, client.send({.method = http::Method::put,
                                      .url = Secret{sandbox_url + "/sandbox/faults"},
                                      .what = "put faults",
                                      .headers = {},
                                      .body = http::Content{std::move(rules)},
                                      .deadline = deadline_in(std::chrono::seconds{60})},
                                     10'000));
    if (!response) throw std::runtime_error{response.error().detail};
    if (response->head.status != 204) throw std::runtime_error{response->body};
}

}  // namespace prewarm::test
