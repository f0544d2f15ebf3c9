#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace buildjail {

// What the text of a path tells, before anything is looked up.

/** Without empty components and `.`. */
std::string plain(std::string_view path);
std::string parent_of(const std::string& path);
/** The folder that a path is in, and the name in it with its slash; of a path that ends in `..` all is the folder. */
std::pair<std::string, std::string> folder_and_name(const std::string& path);
/** What is in a folder. `names` begins with a slash. */
std::string in_folder(const std::string& folder, std::string_view names);
bool goes_up(std::string_view path);
/**
 * A relative path from a folder. No link is in what /proc says of that, so its own text tells what `..` leads to, even
 * of one that was removed.
 */
std::string from_folder(std::string folder, std::string_view relative);

/** The path that a link of /dev to a descriptor leads to (proc_pid_fd(5)). */
std::string through_devices(const std::string& path);
/** A link to a descriptor in /proc. */
bool is_descriptor(const std::string& path);
/** The number of a descriptor of the caller itself. */
std::optional<int> own_descriptor(std::string_view path);
/**
 * Through a link of a process in /proc, which leads elsewhere for each (proc_pid_cwd(5), proc_pid_root(5),
 * proc_pid_fd(5)).
 */
bool leads_out_of_proc(std::string_view path);

}  // namespace buildjail
