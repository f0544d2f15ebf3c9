#include "freebsd/obstacles.h"

#include <sys/param.h>
#include <sys/mount.h>
#include <sys/sysctl.h>

#include <unistd.h>

#include <string>
#include <string_view>

namespace buildjail {

namespace {

// nullfs(4) mounts single files since then.
constexpr int kFirstSupported = 1400000;

bool is_jailed() {
  int jailed = 0;
  std::size_t size = sizeof(jailed);
  return ::sysctlbyname("security.jail.jailed", &jailed, &size, nullptr, 0) == 0 && jailed != 0;
}

/** The folders in which the kernel finds modules, separated by `;` (kldconfig(8)). */
std::string module_path() {
  std::string path(4096, '\0');
  std::size_t size = path.size();
  if (::sysctlbyname("kern.module_path", path.data(), &size, nullptr, 0) != 0) return {};
  path.resize(path.find('\0'));
  return path;
}

/** In the kernel, or there to be loaded by it when it is first mounted (nmount(2)). */
bool has_file_system(const std::string& name) {
  xvfsconf found{};
  if (::getvfsbyname(name.c_str(), &found) == 0) return true;
  const std::string all = module_path();
  std::string_view folders = all;
  while (!folders.empty()) {
    const std::size_t end = folders.find(';');
    const std::string module = std::string(folders.substr(0, end)) + "/" + name + ".ko";
    if (::access(module.c_str(), R_OK) == 0) return true;
    folders = end == std::string_view::npos ? std::string_view() : folders.substr(end + 1);
  }
  return false;
}

}  // namespace

std::vector<Obstacle> find_freebsd_obstacles() {
  std::vector<Obstacle> obstacles;
  if (::getosreldate() < kFirstSupported) {
    obstacles.push_back(
        {"version", "this FreeBSD is older than 14.0, whose nullfs cannot mount files", "use FreeBSD 14.0 or later"});
  }
  if (is_jailed()) {
    obstacles.push_back({"jailed", "this process is in a jail itself, where these mounts are not permitted (jail(8))",
                         "run it on the host"});
  } else if (::geteuid() != 0) {
    obstacles.push_back(
        {"privilege", "only root may make jails and mounts (jail_set(2), nmount(2))", "run it as root"});
  }
  for (const char* name : {"nullfs", "tmpfs"}) {
    if (has_file_system(name)) continue;
    obstacles.push_back({name, std::string(name) + " is neither in this kernel nor among its modules",
                         std::string("install the kernel's modules, or put ") + name +
                             ".ko into one of the folders of kern.module_path"});
  }
  return obstacles;
}

}  // namespace buildjail
