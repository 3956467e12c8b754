/// prewarm-sandbox as a process of its own, on a port that the system picks.
#pragma once

#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace prewarm::test {

/// Runs until destroyed. `program` is its path; `options` are added to the address.
class SandboxProcess {
public:
    SandboxProcess(const std::string& program, std::vector<std::string> options) {
        options.insert(options.begin(),
                       {program, "--listen", "127.0.0.1:0", "--no-limits", "--log-level", "warn"});
        int ends[2];
        if (pipe(ends) != 0) throw std::runtime_error{"pipe"};
        pid_ = fork();
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            dup2(ends[1], STDOUT_FILENO);
            close(ends[0]);
            close(ends[1]);
            std::vector<char*> arguments;
            for (auto& option : options)
                arguments.push_back(option.data());
            arguments.push_back(nullptr);
            execv(program.c_str(), arguments.data());
            _exit(127);
        }
        close(ends[1]);
        url_ = address_from(ends[0]);
        close(ends[0]);
    }

    ~SandboxProcess() { stop(); }
    SandboxProcess(const SandboxProcess&) = delete;
    SandboxProcess& operator=(const SandboxProcess&) = delete;

    const std::string& url() const { return url_; }

    void stop() {
        if (pid_ <= 0) return;
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

    /// It stays, its connections too, but does nothing any more.
    void freeze() { kill(pid_, SIGSTOP); }
    void thaw() { kill(pid_, SIGCONT); }

private:
    static std::string address_from(int pipe_end) {
        constexpr std::string_view start = "listening on ";
        std::string line;
        for (char c = 0; read(pipe_end, &c, 1) == 1 && c != '\n';)
            line += c;
        if (!line.starts_with(start)) throw std::runtime_error{"no sandbox: " + line};
        return line.substr(start.size());
    }

    pid_t pid_ = 0;
    std::string url_;
};

}  // namespace prewarm::test
