/// A Redis of the test's own, which it may stop, freeze and kill.
#pragma once

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/environment.hpp"

namespace prewarm::test {

/// redis-server on a free loopback port, with a folder of its own. Ends with the test's thread.
class RedisServer {
public:
    explicit RedisServer(std::vector<std::string> arguments = {})
        : folder_{std::filesystem::temp_directory_path() / random_name()},
          port_{free_port()},
          arguments_{std::move(arguments)} {
        std::filesystem::create_directory(folder_);
        start();
    }
    ~RedisServer() {
        kill();
        std::filesystem::remove_all(folder_);
    }
    RedisServer(const RedisServer&) = delete;
    RedisServer& operator=(const RedisServer&) = delete;

    std::uint16_t port() const { return port_; }

    /// At the same port as before.
    void start() {
        // By default the port is in the clear; a test of TLS says otherwise itself.
        std::vector<std::string> command{
            "redis-server", "--bind", "127.0.0.1", "--dir",       folder_,      "--save",      "",
            "--appendonly", "no",     "--port",    port_of(true), "--tls-port", port_of(false)};
        command.insert(command.end(), arguments_.begin(), arguments_.end());
        std::vector<char*> pointers;
        for (auto& word : command)
            pointers.push_back(word.data());
        pointers.push_back(nullptr);
        pid_ = fork();
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            const int nowhere = open("/dev/null", O_WRONLY);
            dup2(nowhere, STDOUT_FILENO);
            execvp(pointers[0], pointers.data());
            _exit(127);
        }
        wait_until_it_listens();
    }

    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }
    void freeze() { ::kill(pid_, SIGSTOP); }
    void thaw() { ::kill(pid_, SIGCONT); }

    static std::uint16_t free_port() {
        boost::asio::io_context loop;
        const boost::asio::ip::tcp::acceptor acceptor{loop,
                                                      {boost::asio::ip::address_v4::loopback(), 0}};
        return acceptor.local_endpoint().port();
    }

private:
    bool in_tls() const {
        return std::find(arguments_.begin(), arguments_.end(), "--tls-cert-file") !=
               arguments_.end();
    }
    std::string port_of(bool clear) const {
        return clear == in_tls() ? "0" : std::to_string(port_);
    }

    void wait_until_it_listens() const {
        boost::asio::io_context loop;
        while (true) {
            boost::asio::ip::tcp::socket socket{loop};
            boost::system::error_code refused;
            socket.connect({boost::asio::ip::address_v4::loopback(), port_}, refused);
            if (!refused) return;
            if (waitpid(pid_, nullptr, WNOHANG) != 0) {
                throw std::runtime_error{"redis-server ended while it was starting"};
            }
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
    }

    std::filesystem::path folder_;
    std::uint16_t port_;
    std::vector<std::string> arguments_;
    pid_t pid_ = 0;
};

}  // namespace prewarm::test
