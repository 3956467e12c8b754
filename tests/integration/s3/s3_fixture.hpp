/// The S3 server of `scripts/stack`, which verifies signatures.
#pragma once

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/http/client.hpp"
#include "common/s3/object_reader.hpp"
#include "common/s3/object_writer.hpp"
#include "tests/support/environment.hpp"
#include "tests/support/run_to_end.hpp"

namespace prewarm::s3 {

using namespace std::chrono_literals;

class S3Test : public testing::Test {
protected:
    static Credentials credentials() {
        return {test::required_variable("R2_ACCESS_KEY_ID"),
                Secret{test::required_variable("R2_SECRET_ACCESS_KEY")},
                test::required_variable("R2_REGION")};
    }
    static Endpoint endpoint_with(Credentials credentials) {
        return *Endpoint::at(test::required_variable("R2_ENDPOINT"), std::move(credentials));
    }
    static Deadline soon() { return deadline_in(60s); }

    ObjectName object(std::string key) const { return {bucket, test::random_name() + key}; }

    template <class T>
    T run(asio::awaitable<T> task) {
        return test::run_to_end(loop, std::move(task));
    }

    void put(const ObjectName& name, std::string bytes) {
        const auto stored = run(writer.put(name, std::move(bytes), "text/plain", soon()));
        ASSERT_TRUE(stored) << stored.error().detail;
    }

    Task<std::string> read_whole(ObjectName name, Announced announced) {
        auto opened = co_await reader.open(std::move(name), announced, soon());
        if (!opened) co_return opened.error();
        co_return co_await opened->read_all();
    }

    std::string bucket = test::required_variable("R2_BUCKET");
    asio::io_context loop;
    http::Client client{loop.get_executor(), {}};
    Endpoint endpoint = endpoint_with(credentials());
    ObjectReader reader{client, endpoint};
    ObjectWriter writer{client, endpoint};
};

/// Bytes that show where they were cut, repeated or swapped.
inline std::string numbered(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i)
        text += std::to_string(i) + ',';
    text.resize(size);
    return text;
}

}  // namespace prewarm::s3
