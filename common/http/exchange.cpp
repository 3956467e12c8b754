#include "common/http/exchange.hpp"

#include "common/http/transfer.hpp"

namespace prewarm::http {

Exchange::Exchange(Multi& multi, const ClientOptions& options, ClientRequest request, Sink sink)
    : transfer_{std::make_shared<Transfer>(multi, options, std::move(request), std::move(sink))} {
    transfer_->start();
}

Exchange::~Exchange() = default;
Exchange::Exchange(Exchange&&) noexcept = default;
Exchange& Exchange::operator=(Exchange&&) noexcept = default;

Task<ResponseHead> Exchange::head() {
    return transfer_->head();
}

Task<> Exchange::finish() {
    return transfer_->finish();
}

void Exchange::resume() {
    transfer_->resume_later(CURLPAUSE_RECV);
}

std::optional<Deadline> Exchange::request_sent_at() const {
    return transfer_->request_sent_at();
}

bool Exchange::was_repeated() const {
    return transfer_->was_repeated();
}

}  // namespace prewarm::http
