// The enumerators' names, from the compiler: what the tables are compared with.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace naru {

template <auto Value>
constexpr std::string_view enumerator_name() {
  // "... [with auto Value = naru::Option::tcp_sack; ...", in Clang "... [Value = naru::..."
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("Value = ") + 8);
  text = text.substr(0, text.find_first_of(";]"));
  return text.substr(text.rfind(':') + 1);
}

template <class Enum, std::size_t Count>
std::array<std::string_view, Count> enumerator_names() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<std::string_view, Count>{enumerator_name<static_cast<Enum>(I)>()...};
  }
  (std::make_index_sequence<Count>());
}

// "tcp.rto_min" as "tcp_rto_min".
inline std::string underscored(std::string_view name) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '.', '_');
  return text;
}

inline bool is_plain_name(std::string_view name) {
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") == name.npos;
}

}  // namespace naru
