#include "common/redis/codec.hpp"

#include <new>

#include <hiredis.h>

namespace prewarm::redis {
namespace {

/// Where hiredis' next value goes: to its place in the array that is being read, or, as a reply of
/// its own, on the heap. Nothing when the reply holds too many values. The array's values do
/// not move while one of them is being read, because the next one comes after it.
///
/// How many values may still come is behind the reader's `privdata`, which each task shows.
void* place(const redisReadTask* task, Reply value) {
    auto& values_left = *static_cast<std::size_t*>(task->privdata);
    if (values_left == 0) return nullptr;
    --values_left;
    try {
        if (task->parent == nullptr) return new Reply{std::move(value)};
        auto& siblings = std::get<Array>(static_cast<Reply*>(task->parent->obj)->value);
        return &siblings.emplace_back(std::move(value));
    } catch (const std::bad_alloc&) {
        return nullptr;  // hiredis is C: nothing may be thrown through it.
    }
}

void* create_string(const redisReadTask* task, char* text, std::size_t size) {
    try {
        std::string copy{text, size};
        return task->type == REDIS_REPLY_ERROR ? place(task, {Error{std::move(copy)}})
                                               : place(task, {std::move(copy)});
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

// The announced size is not believed: memory is taken as values come.
void* create_array(const redisReadTask* task, int) {
    return place(task, {Array{}});
}

void* create_integer(const redisReadTask* task, long long number) {
    return place(task, {std::int64_t{number}});
}

void* create_nil(const redisReadTask* task) {
    return place(task, {Nil{}});
}

void free_reply(void* reply) {
    delete static_cast<Reply*>(reply);
}

redisReplyObjectFunctions functions{create_string, create_array, create_integer, create_nil,
                                    free_reply};

}  // namespace

void encode(const std::vector<std::string>& command, std::string& out) {
    std::vector<const char*> arguments;
    std::vector<std::size_t> sizes;
    arguments.reserve(command.size());
    sizes.reserve(command.size());
    for (const auto& argument : command) {
        arguments.push_back(argument.data());
        sizes.push_back(argument.size());
    }
    char* encoded = nullptr;
    const int size = redisFormatCommandArgv(&encoded, static_cast<int>(command.size()),
                                            arguments.data(), sizes.data());
    if (size < 0) throw std::bad_alloc{};
    const std::unique_ptr<char, decltype(&redisFreeCommand)> owner{encoded, &redisFreeCommand};
    out.append(encoded, static_cast<std::size_t>(size));
}

void ReplyReader::Close::operator()(redisReader* reader) const {
    redisReaderFree(reader);
}

ReplyReader::ReplyReader(std::size_t max_bytes, std::size_t max_values)
    : reader_{redisReaderCreateWithFunctions(&functions)},
      max_bytes_{max_bytes},
      max_values_{max_values},
      values_left_{max_values} {
    if (!reader_) throw std::bad_alloc{};
    reader_->privdata = &values_left_;
}

ReplyReader::~ReplyReader() = default;

void ReplyReader::feed(std::span<const char> bytes) {
    unfinished_bytes_ += bytes.size();
    // What it says of an error, it says again when asked for a reply.
    (void)redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
}

Result<std::optional<Reply>> ReplyReader::next() {
    void* made = nullptr;
    if (redisReaderGetReply(reader_.get(), &made) != REDIS_OK) {
        return Failure{FailureKind::unavailable,
                       values_left_ == 0
                           ? std::string{"Redis: a reply has too many values"}
                           : std::string{"Redis: its replies cannot be read: "} + reader_->errstr};
    }
    const std::unique_ptr<Reply> reply{static_cast<Reply*>(made)};
    if (!reply) {
        if (unfinished_bytes_ > max_bytes_) {
            return Failure{FailureKind::unavailable, "Redis: a reply is too large"};
        }
        return std::optional<Reply>{};
    }
    unfinished_bytes_ = reader_->len - reader_->pos;
    values_left_ = max_values_;
    return std::optional<Reply>{std::move(*reply)};
}

}  // namespace prewarm::redis
