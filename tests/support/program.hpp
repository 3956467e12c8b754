/// A program as its users run it: arguments, environment, output, exit status.
#pragma once

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temporary_folder.hpp"

namespace prewarm::test {

struct ProgramEnd {
    int status = -1;  ///< What it exited with; 128 and more: the signal that ended it.
    std::string out;
    std::string err;
};

/// Runs from its construction on. One that was not waited for is killed.
class Program {
public:
    using Variables = std::map<std::string, std::string>;

    /// `variables` are set over this process's own; `input` is its stdin.
    Program(const std::string& path, std::vector<std::string> arguments, const Variables& variables,
            std::string_view input = "") {
        std::array<int, 2> err{};
        if (pipe2(err.data(), O_CLOEXEC) != 0) throw std::runtime_error{"no pipe"};
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, folder_.file("in", input).c_str(),
                                         O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out_path().c_str(),
                                         O_WRONLY | O_CREAT, 0600);
        posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);

        arguments.insert(arguments.begin(), path);
        auto environment = environment_with(variables);
        const int failed = posix_spawn(&pid_, path.c_str(), &actions, nullptr,
                                       pointers(arguments).data(), pointers(environment).data());
        posix_spawn_file_actions_destroy(&actions);
        close(err[1]);
        err_ = err[0];
        if (failed != 0) throw std::runtime_error{path + " cannot be started"};
    }
    ~Program() {
        if (pid_ > 0) {
            kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
        }
        close(err_);
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// Until it has written this to stderr.
    void wait_for_error(std::string_view text) {
        while (ended_.err.find(text) == std::string::npos) {
            if (!read_more())
                throw std::runtime_error{"it ended without saying `" + std::string{text} +
                                         "`, but: " + ended_.err};
        }
    }

    void send_signal(int number) const { kill(pid_, number); }

    ProgramEnd wait() {
        while (read_more()) {
        }
        int status = 0;
        waitpid(pid_, &status, 0);
        pid_ = -1;
        ended_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        std::ifstream out{out_path(), std::ios::binary};
        ended_.out.assign(std::istreambuf_iterator<char>{out}, {});
        return ended_;
    }

private:
    std::filesystem::path out_path() const { return folder_.path() / "out"; }

    bool read_more() {
        std::array<char, 4096> piece{};
        const auto size = read(err_, piece.data(), piece.size());
        if (size <= 0) return false;
        ended_.err.append(piece.data(), static_cast<std::size_t>(size));
        return true;
    }

    static std::vector<std::string> environment_with(const Variables& variables) {
        std::vector<std::string> all;
        for (char** entry = environ; *entry != nullptr; ++entry) {
            const std::string_view text{*entry};
            if (!variables.contains(std::string{text.substr(0, text.find('='))}))
                all.emplace_back(text);
        }
        for (const auto& [name, value] : variables)
            all.push_back(name + "=" + value);
        return all;
    }

    static std::vector<char*> pointers(std::vector<std::string>& texts) {
        std::vector<char*> pointers;
        for (auto& text : texts)
            pointers.push_back(text.data());
        pointers.push_back(nullptr);
        return pointers;
    }

    TemporaryFolder folder_;
    pid_t pid_ = -1;
    int err_ = -1;
    ProgramEnd ended_;
};

}  // namespace prewarm::test
