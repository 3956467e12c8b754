#include "tests/integration/amqp/private_broker.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/environment.hpp"

namespace prewarm::amqp {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;

std::uint16_t free_port() {
    asio::io_context loop;
    const tcp::acceptor acceptor{loop, {asio::ip::address_v4::loopback(), 0}};
    return acceptor.local_endpoint().port();
}

bool answers(std::uint16_t port) {
    asio::io_context loop;
    tcp::socket socket{loop};
    boost::system::error_code refused;
    socket.connect({asio::ip::address_v4::loopback(), port}, refused);
    return !refused;
}

void end(pid_t& process) {
    if (process == 0) return;
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
    process = 0;
}

}  // namespace

PrivateBroker::PrivateBroker()
    : folder_{std::filesystem::temp_directory_path() / test::random_name()},
      port_{free_port()},
      management_port_{free_port()},
      distribution_port_{free_port()},
      epmd_port_{free_port()} {
    std::filesystem::create_directory(folder_);
    epmd_ = launch("epmd");
    while (!answers(epmd_port_))
        std::this_thread::sleep_for(20ms);
    start();
}

PrivateBroker::~PrivateBroker() {
    end(broker_);
    end(epmd_);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

BrokerAddress PrivateBroker::address() const {
    BrokerAddress address;
    address.host = "127.0.0.1";
    address.port = port_;
    return address;
}

void PrivateBroker::kill() {
    end(broker_);
}

void PrivateBroker::restart() {
    kill();
    start();
}

void PrivateBroker::freeze() {
    ::kill(broker_, SIGSTOP);
}

void PrivateBroker::thaw() {
    ::kill(broker_, SIGCONT);
}

void PrivateBroker::set_memory_limit(const std::string& bytes) {
    const auto command = "cd " + folder_.string() + " && env -i " + environment() +
                         " RABBITMQ_NODENAME=rabbit@localhost ERL_INETRC=" + folder_.string() +
                         "/inetrc /usr/lib/rabbitmq/bin/rabbitmqctl -q "
                         "set_vm_memory_high_watermark absolute " +
                         bytes + " >> ctl.log 2>&1";
    if (std::system(command.c_str()) != 0) throw std::runtime_error{"rabbitmqctl failed"};
}

void PrivateBroker::start() {
    broker_ = launch("rabbitmq");
    wait_until_it_answers();
}

std::string PrivateBroker::environment() const {
    return "PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=" + folder_.string() +
           " RABBITMQ_PORT=" + std::to_string(port_) +
           " RABBITMQ_MANAGEMENT_PORT=" + std::to_string(management_port_) +
           " RABBITMQ_DIST_PORT=" + std::to_string(distribution_port_) +
           " EPMD_PORT=" + std::to_string(epmd_port_) +
           " ERL_EPMD_PORT=" + std::to_string(epmd_port_) + " ERL_EPMD_ADDRESS=127.0.0.1";
}

/// The script replaces the shell, and the server the script: the pid is the server's.
pid_t PrivateBroker::launch(const std::string& script) const {
    const auto command = "cd " + folder_.string() + " && exec env -i " + environment() + " " +
                         PREWARM_SCRIPTS "/stack.d/" + script + " > " + script + ".log 2>&1";
    const pid_t process = ::fork();
    if (process == 0) {
        ::setsid();
        ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
        ::_exit(127);
    }
    return process;
}

void PrivateBroker::wait_until_it_answers() const {
    while (!answers(port_)) {
        if (::waitpid(broker_, nullptr, WNOHANG) != 0)
            throw std::runtime_error{"RabbitMQ ended while it was starting"};
        std::this_thread::sleep_for(50ms);
    }
}

}  // namespace prewarm::amqp
