#include "consumer/policy_watch.hpp"

#include <chrono>
#include <utility>

#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/log/log.hpp"
#include "common/runtime/deadline.hpp"
#include "consumer/queue_terms.hpp"

namespace prewarm {
namespace {

using namespace std::chrono_literals;

constexpr auto period = 1min;
constexpr auto second_try_after = 15s;  // Long enough for a new queue's policy to be shown.
constexpr auto answer_time = 10s;
constexpr std::size_t largest_answer_bytes = 256 * 1024;
// All that is looked at: the rest of the answer grows with the number of consumers.
constexpr std::string_view wanted =
    "?columns=arguments,policy,operator_policy,effective_policy_definition";

std::string encoded(std::string_view text) {
    return boost::urls::encode(text, boost::urls::unreserved_chars);
}

Failure not_answered(const http::ResponseHead& head, std::string_view what) {
    auto failure = http::failure_of(head, what);
    if (head.status == 401 || head.status == 403)
        failure.detail += ": the user, its password, its tag `management` or its vhost is wrong";
    return failure;
}

}  // namespace

PolicyWatch::PolicyWatch(asio::any_io_executor executor, std::optional<ManagementAddress> address,
                         std::string vhost, const topology::Names& names,
                         metrics::Registry& metrics)
    : client_{std::move(executor), {.kept_connections = 1}},
      address_{std::move(address)},
      vhost_{std::move(vhost)},
      queues_{Watched{names.upload_queue,
                      [names](std::string_view answer) {
                          return faults_of_upload_queue(answer, names);
                      }},
              Watched{names.dead_letter_queue, faults_of_dead_letter_queue}},
      metrics_{metrics} {}

asio::awaitable<void> PolicyWatch::run() {
    if (!address_) {
        log::info("queue.policy_unwatched",
                  "policies on the queues are not watched: RABBITMQ_MANAGEMENT_URL is not set");
        co_return;
    }
    while (true) {
        auto looked = co_await look();
        if (!looked && looked.error().kind == FailureKind::transient) {
            co_await sleep_for(second_try_after);
            looked = co_await look();
        }
        note(looked);
        co_await sleep_for(period);
    }
}

Task<> PolicyWatch::look() {
    Result<> all;
    for (auto& watched : queues_) {
        auto looked = co_await look_at(watched);
        if (!looked) all = std::move(looked);
    }
    co_return all;
}

Task<> PolicyWatch::look_at(Watched& watched) {
    const auto path = fmt::format("/api/queues/{}/{}", encoded(vhost_), encoded(watched.queue));
    http::ClientRequest request{
        .url = Secret{fmt::format("{}{}{}", address_->base_url, path, wanted)},
        .what = "GET " + path,
        .headers = {{"Authorization", address_->authorization.reveal()}},
        .deadline = deadline_in(answer_time)};
    const auto answer = co_await client_.send(std::move(request), largest_answer_bytes);
    if (!answer) co_return answer.error();
    if (answer->head.status != 200) co_return not_answered(answer->head, "GET " + path);
    const auto found = watched.faults_of(answer->body);
    if (!found) co_return found.error();

    metrics_.set_queue_policy_wrong(watched.queue, !found->empty());
    auto faults = fmt::format("{}", fmt::join(*found, " "));
    if (faults == watched.faults) co_return Result<>{};
    if (faults.empty()) {
        log::info("queue.policy", "the queue is as agreed again", {{"queue", watched.queue}});
    } else {
        log::warn("queue.policy", "the broker does not keep what was agreed for the queue",
                  {{"queue", watched.queue}, {"faults", faults}});
    }
    watched.faults = std::move(faults);
    co_return Result<>{};
}

void PolicyWatch::note(const Result<>& looked) {
    const auto before =
        std::exchange(trouble_, looked ? std::nullopt : std::optional{looked.error().kind});
    if (before == trouble_) return;
    if (trouble_) {
        log::warn("queue.policy_unwatched",
                  "policies on the queues cannot be seen: look at RABBITMQ_MANAGEMENT_URL",
                  {{"error", looked.error().detail}});
    } else {
        log::info("queue.policy_watched", "policies on the queues are seen again");
    }
}

}  // namespace prewarm
