#include "consumer/adapters/object_source.hpp"

#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/runtime/pipe_io.hpp"

namespace prewarm {
namespace {

class FromR2 : public ObjectSource {
public:
    explicit FromR2(s3::OpenObject object) : object_{std::move(object)} {}

    std::uint64_t size_bytes() const override { return object_.size_bytes(); }
    std::uint64_t taken_bytes() const override { return object_.taken_bytes(); }
    std::uint64_t resumes() const override { return object_.resumes(); }
    std::size_t held_bytes() const override { return 0; }
    Task<> read_into(BytePipe& pipe) override { return object_.read_into(pipe); }
    Task<std::string> read_all() override { return object_.read_all(); }

protected:
    s3::OpenObject object_;
};

/// R2's object, which a keeper gets as well.
class Kept : public FromR2 {
public:
    Kept(s3::OpenObject object, downloads::Keeper keeper, std::size_t piece_bytes,
         Deadline deadline)
        : FromR2{std::move(object)},
          keeper_{std::move(keeper)},
          piece_bytes_{piece_bytes},
          deadline_{deadline} {}

    std::size_t held_bytes() const override { return 2 * piece_bytes_; }

    Task<std::string> read_all() override {
        auto bytes = co_await FromR2::read_all();
        if (!bytes) co_return bytes;
        co_await keeper_.write(std::make_shared<const std::string>(*bytes));
        co_await keeper_.keep();
        co_return bytes;
    }

    Task<> read_into(BytePipe& pipe) override {
        PipeWriter onwards{pipe};
        BytePipe fresh{piece_bytes_};
        const auto executor = co_await asio::this_coro::executor;
        auto [order, download_thrown, downloaded, pass_thrown, passed] =
            co_await asio::experimental::make_parallel_group(
                asio::co_spawn(executor, FromR2::read_into(fresh), asio::deferred),
                asio::co_spawn(executor, pass_on(fresh, onwards), asio::deferred))
                .async_wait(UntilBothEnd{}, asio::use_awaitable);
        // It is the cause, even where the other one was cancelled meanwhile.
        if (!download_thrown && !downloaded) co_return std::move(downloaded.error());
        if (pass_thrown) std::rethrow_exception(pass_thrown);
        if (!passed) co_return std::move(passed.error());
        if (download_thrown) std::rethrow_exception(download_thrown);
        onwards.close();
        co_return Result<>{};
    }

private:
    /// Where one fails, the other one would wait for it.
    struct UntilBothEnd {
        asio::cancellation_type operator()(const std::exception_ptr& thrown,
                                           const Result<>& ended) const {
            return thrown || !ended ? asio::cancellation_type::terminal
                                    : asio::cancellation_type::none;
        }
    };

    /// Until all of the object has passed, or no more comes.
    Task<> pass_on(BytePipe& fresh, PipeWriter& onwards) {
        for (std::uint64_t passed = 0; passed < size_bytes();) {
            auto piece = std::make_shared<std::string>(piece_bytes_, '\0');
            piece->resize(co_await read_some(fresh, *piece));
            if (piece->empty()) break;
            passed += piece->size();
            co_await keeper_.write(piece);
            // The last bytes come only of the right object. Whoever gets them may be done at once,
            // and then all of this is cancelled.
            if (passed == size_bytes()) co_await keeper_.keep();
            auto written = co_await onwards.write(*piece, deadline_);
            if (!written) co_return written.error();
        }
        co_return Result<>{};
    }

    downloads::Keeper keeper_;
    std::size_t piece_bytes_;
    Deadline deadline_;
};

class FromCache : public ObjectSource {
public:
    FromCache(downloads::CachedObject object, std::size_t piece_bytes, Deadline deadline)
        : object_{std::move(object)}, piece_bytes_{piece_bytes}, deadline_{deadline} {}

    std::uint64_t size_bytes() const override { return object_.size_bytes(); }
    std::uint64_t taken_bytes() const override { return 0; }
    std::uint64_t resumes() const override { return 0; }
    std::size_t held_bytes() const override { return piece_bytes_; }
    Task<> read_into(BytePipe& pipe) override {
        return object_.read_into(pipe, piece_bytes_, deadline_);
    }
    Task<std::string> read_all() override { return object_.read_all(); }

private:
    downloads::CachedObject object_;
    std::size_t piece_bytes_;
    Deadline deadline_;
};

}  // namespace

Task<OpenedSource> ObjectSources::open(s3::ObjectName name, s3::Announced announced,
                                       Deadline deadline) {
    if (cache_ == nullptr || !announced.sha256)
        co_return co_await open_in_r2(std::move(name), announced, deadline);
    auto found = co_await cache_->find(*announced.sha256, announced.bytes, deadline);
    if (found.object) {
        const auto size = found.object->size_bytes();
        co_return OpenedSource{
            .object = std::make_unique<FromCache>(std::move(*found.object), piece_bytes_, deadline),
            .is_copy = true,
            .version = {size, ""},
            .cache = found.result};
    }
    auto object = co_await reader_.open(std::move(name), announced, deadline);
    if (!object) co_return object.error();
    OpenedSource opened{.version = {object->size_bytes(), object->etag()},
                        .first_byte = object->first_byte(),
                        .cache = downloads::CacheResult::bypass};
    if (found.keeper && co_await found.keeper->begin(object->size_bytes())) {
        opened.cache = downloads::CacheResult::miss;
        opened.object = std::make_unique<Kept>(std::move(*object), std::move(*found.keeper),
                                               piece_bytes_, deadline);
    } else {
        opened.object = std::make_unique<FromR2>(std::move(*object));
    }
    co_return opened;
}

Task<OpenedSource> ObjectSources::open_in_r2(s3::ObjectName name, s3::Announced announced,
                                             Deadline deadline) {
    auto object = co_await reader_.open(std::move(name), announced, deadline);
    if (!object) co_return object.error();
    OpenedSource opened{.version = {object->size_bytes(), object->etag()},
                        .first_byte = object->first_byte()};
    if (cache_ != nullptr) opened.cache = downloads::CacheResult::bypass;
    opened.object = std::make_unique<FromR2>(std::move(*object));
    co_return opened;
}

}  // namespace prewarm
