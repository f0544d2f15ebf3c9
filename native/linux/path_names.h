#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace buildjail {

// What the text of a path says, before anything is looked up.

/** Without empty components and `.`. */
std::string plain(std::string_view path);
std::string parent_of(const std::string& path);
/** The folder that a path is in, and the name in it with its slash. A path that ends in `..` is all folder. */
std::pair<std::string, std::string> folder_and_name(const std::string& path);
/** The path of a name in a folder. `names` begins with a slash. */
std::string in_folder(const std::string& folder, std::string_view names);
bool goes_up(std::string_view path);
/**
 * A relative path from a folder. The folder's path in /proc has no links in it, so its text alone says where `..`
 * leads, even if the folder was removed.
 */
std::string from_folder(std::string folder, std::string_view relative);

/** The path that a link of /dev to a descriptor leads to (proc_pid_fd(5)). */
std::string through_devices(const std::string& path);
/** A link to a descriptor in /proc. */
bool is_descriptor(const std::string& path);
/** The number of a descriptor of the caller itself. */
std::optional<int> own_descriptor(std::string_view path);
/**
 * Whether a path leads through a link of a process in /proc, which leads elsewhere for each process (proc_pid_cwd(5),
 * proc_pid_root(5), proc_pid_fd(5)).
 */
bool leads_out_of_proc(std::string_view path);

}  // namespace buildjail
