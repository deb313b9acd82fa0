#include "cli/lan.hpp"

#include <fmt/format.h>

#include <naru/link/lan.hpp>

#include "cli/failure.hpp"

namespace naru::cli {
namespace {

// The answer, or the lan's own words as a Failure.
template <class T>
T answer(link::OpenResult<T> result) {
  if (!result) throw Failure(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

void print_members(const std::string& lan, const std::vector<link::LanMember>& members) {
  if (members.empty()) fmt::print("{:<12} {}\n", lan, "(no members)");
  for (const link::LanMember& member : members) {
    fmt::print("{:<12} {:<31} {:<15} {} {:>8}  {}\n", lan, member.name.empty() ? "-" : member.name,
               member.address.to_string(), member.mac.to_string(), member.pid,
               member.sleeps ? "asleep" : "awake");
  }
}

int list(const LanCommand& command) {
  std::vector<std::string> lans = answer(link::list_lans(command.directory));
  if (!command.name.empty()) lans = {command.name};
  int status = EXIT_SUCCESS;
  if (!lans.empty()) {
    fmt::print("{:<12} {:<31} {:<15} {:<17} {:>8}  {}\n", "LAN", "NAME", "ADDRESS", "MAC",
               "PROCESS", "STATE");
  }
  for (const std::string& name : lans) {
    const auto members = link::list_members(name, command.directory);
    if (members) {
      print_members(name, *members);
      continue;
    }
    // The others are shown all the same.
    fmt::print(stderr, "naru: {}\n", members.error().message);
    status = EXIT_FAILURE;
  }
  return status;
}

}  // namespace

void LanCommand::add_to(CLI::App& app) {
  app.require_subcommand(1);
  app.add_option("--directory", directory,
                 "where the lans are (without: $XDG_RUNTIME_DIR/naru or /dev/shm/naru-UID)")
      ->type_name("FOLDER");
  ls = app.add_subcommand("ls", "list the lans and their members");
  ls->add_option("LAN", name, "only this one");
  down = app.add_subcommand("down", "disconnect every member, and forget the lan");
  down->add_option("LAN", name, "its name, as lan0")->required();
  rm = app.add_subcommand("rm", "remove a lan that nobody uses");
  rm->add_option("LAN", name, "its name, as lan0")->required();
}

int lan(const LanCommand& command) {
  if (command.ls->parsed()) return list(command);
  if (command.down->parsed()) {
    answer(link::take_down_lan(command.name, command.directory));
  } else {
    answer(link::remove_lan(command.name, command.directory));
  }
  return EXIT_SUCCESS;
}

}  // namespace naru::cli
