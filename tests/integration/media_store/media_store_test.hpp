/// A MediaStore over a database of the test's own.
#pragma once

#include <chrono>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "common/media_store/media_store.hpp"
#include "common/postgres/migrate.hpp"
#include "tests/support/fresh_database.hpp"
#include "tests/support/run_to_end.hpp"

namespace prewarm::test {

class MediaStoreTest : public testing::Test {
protected:
    MediaStoreTest() { run(postgres::migrate(pool)).value(); }

    Upload upload(std::string event_id = "event-1") const {
        Upload made;
        made.event_id = std::move(event_id);
        made.media = {"bot", sha256_of("content"), MediaKind::photo};
        made.r2_key = "a/photo.jpg";
        return made;
    }

    Claim claim(Upload of, std::string instance = "here",
                std::chrono::milliseconds lease = std::chrono::minutes{1}) {
        return run(store.claim(std::move(of), "the event", std::move(instance), lease)).value();
    }

    /// Claims and expects to get it.
    Lease take(Upload of, std::string instance = "here",
               std::chrono::milliseconds lease = std::chrono::minutes{1}) {
        return std::get<Lease>(claim(std::move(of), std::move(instance), lease));
    }

    static Sent sent(std::string file_id = "file-1") {
        return {MediaKind::photo, std::move(file_id), "unique-1", 2048, -100123, 77};
    }

    ReadyMedia commit(const Lease& lease, Sent of = sent()) {
        return run(store.commit(lease, std::move(of), false)).value();
    }

    /// A column of the upload's row, as text.
    std::string column(const std::string& expression) const {
        return database.run("SELECT " + expression + " FROM media_cache")[0][0].as<std::string>(
            "null");
    }

    /// Nobody renewed it for too long.
    void let_lease_run_out() const {
        database.run("UPDATE media_cache SET lease_until = now() - interval '1 ms'");
    }

    template <class T>
    Result<T> run(Task<T> task) {
        return run_to_end(loop, std::move(task));
    }

    FreshDatabase database;
    asio::io_context loop;
    postgres::Pool pool{{.url = database.url()}};
    MediaStore store{pool};
};

}  // namespace prewarm::test
