// How a request is written into libcurl's handle.
#include <new>
#include <stdexcept>

#include "common/http/transfer.hpp"

namespace prewarm::http {
namespace {

// Larger ones were measured and save no time, while every transfer at work has its own.
constexpr long receive_buffer_bytes = 16 * 1024;
constexpr long send_buffer_bytes = 32 * 1024;

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
    const auto code = curl_easy_setopt(easy, option, value);
    if (code != CURLE_OK) throw std::runtime_error{curl_easy_strerror(code)};
}

bool has_control_character(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

}  // namespace

Exchange::Transfer::Transfer(Multi& multi, const ClientOptions& options, ClientRequest request,
                             Sink sink)
    : multi_{multi},
      options_{options},
      request_{std::move(request)},
      sink_{std::move(sink)},
      easy_{curl_easy_init()},
      changed_{multi.executor()} {
    if (!easy_) throw std::bad_alloc{};
    set_connection();
    set_callbacks();
    set_body();
    set_headers();
}

void Exchange::Transfer::set_connection() {
    auto* const easy = easy_.get();
    set(easy, CURLOPT_URL, request_.url.reveal().c_str());
    set(easy, CURLOPT_PATH_AS_IS, 1L);  // `a/../b` is a key like any other.
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(easy, CURLOPT_PROXY, "");  // Nor one from the environment.
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options_.ca_file.empty()) set(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.connect.count()));
    set(easy, CURLOPT_MAXAGE_CONN, static_cast<long>(options_.idle.count()));
    set(easy, CURLOPT_BUFFERSIZE, receive_buffer_bytes);
    set(easy, CURLOPT_UPLOAD_BUFFERSIZE, send_buffer_bytes);
    set(easy, CURLOPT_USERAGENT, "prewarm/" PREWARM_VERSION);
    set(easy, CURLOPT_ERRORBUFFER, curl_error_.data());
}

void Exchange::Transfer::set_callbacks() {
    using Callback = std::size_t (*)(char*, std::size_t, std::size_t, void*);
    const Callback on_header = [](char* line, std::size_t size, std::size_t count, void* self) {
        const auto bytes = size * count;
        return static_cast<Transfer*>(self)->on_header({line, bytes}) ? bytes : bytes + 1;
    };
    const Callback on_body = [](char* piece, std::size_t size, std::size_t count, void* self) {
        return static_cast<Transfer*>(self)->on_body({piece, size * count});
    };
    set(easy_.get(), CURLOPT_HEADERFUNCTION, on_header);
    set(easy_.get(), CURLOPT_HEADERDATA, this);
    set(easy_.get(), CURLOPT_WRITEFUNCTION, on_body);
    set(easy_.get(), CURLOPT_WRITEDATA, this);
}

void Exchange::Transfer::set_headers() {
    const auto add = [this](const std::string& line) {
        auto* const longer = curl_slist_append(headers_.get(), line.c_str());
        if (longer == nullptr) throw std::bad_alloc{};
        headers_.release();
        headers_.reset(longer);
    };
    // Waiting for an interim answer costs a second where the server never gives one.
    add("Expect:");
    // libcurl's guess at what is posted; a header of the request replaces this one.
    bool has_type = std::holds_alternative<Multipart>(request_.body);
    for (const auto& [name, value] : request_.headers) {
        if (has_control_character(name) || has_control_character(value)) {
            fail({FailureKind::refused, "a header holds control characters"});
            return;
        }
        if (name == "content-type") has_type = true;
        add(value.empty() ? name + ';' : name + ": " + value);
    }
    if (!has_type) add("Content-Type:");
    set(easy_.get(), CURLOPT_HTTPHEADER, headers_.get());
}

void Exchange::Transfer::set_body() {
    auto* const easy = easy_.get();
    if (auto* parts = std::get_if<Multipart>(&request_.body)) {
        set_multipart(std::move(*parts));
        parts->clear();
        return;
    }
    switch (request_.method) {
        case Method::get:
            set(easy, CURLOPT_HTTPGET, 1L);
            return;
        case Method::head:
            set(easy, CURLOPT_NOBODY, 1L);
            return;
        case Method::del:
            set(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
            return;
        case Method::put:
            set(easy, CURLOPT_UPLOAD, 1L);
            break;
        case Method::post:
            set(easy, CURLOPT_POST, 1L);
            break;
    }
    auto* const content = std::get_if<Content>(&request_.body);
    auto& source = use_source(content != nullptr ? std::move(*content) : Content{std::string{}});
    const auto size = static_cast<curl_off_t>(source.size_bytes());
    set(easy, CURLOPT_READFUNCTION, &BodySource::on_read);
    set(easy, CURLOPT_READDATA, &source);
    set(easy, CURLOPT_SEEKFUNCTION, &BodySource::on_seek);
    set(easy, CURLOPT_SEEKDATA, &source);
    set(easy,
        request_.method == Method::put ? CURLOPT_INFILESIZE_LARGE : CURLOPT_POSTFIELDSIZE_LARGE,
        size);
}

void Exchange::Transfer::set_multipart(Multipart parts) {
    const auto check = [](CURLcode code) {
        if (code != CURLE_OK) throw std::bad_alloc{};
    };
    mime_.reset(curl_mime_init(easy_.get()));
    if (!mime_) throw std::bad_alloc{};
    for (auto& part : parts) {
        auto* const added = curl_mime_addpart(mime_.get());
        if (added == nullptr) throw std::bad_alloc{};
        check(curl_mime_name(added, part.name.c_str()));
        if (part.file_name) check(curl_mime_filename(added, part.file_name->c_str()));
        auto& source = use_source(std::move(part.content));
        check(curl_mime_data_cb(added, static_cast<curl_off_t>(source.size_bytes()),
                                &BodySource::on_read, &BodySource::on_seek, nullptr, &source));
    }
    set(easy_.get(), CURLOPT_MIMEPOST, mime_.get());
}

BodySource& Exchange::Transfer::use_source(Content content) {
    return sources_.emplace_back(std::move(content), *this);
}

}  // namespace prewarm::http
