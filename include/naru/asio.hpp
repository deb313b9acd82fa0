// All of naru for programs that use Boost.Asio.
#pragma once

#include <naru/asio/ip.hpp>
#include <naru/asio/stack_program.hpp>
#include <naru/asio/use_stack.hpp>
