#include "seen/seen_paths.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <utility>

namespace buildjail {

namespace {

constexpr std::uint32_t kVersion = 2;
/**
 * For a process whose program is not known: a command before it executes, or a process whose beginning was not seen.
 */
constexpr std::uint32_t kNoProgram = ~std::uint32_t{0};

/** About the size of a file without its texts, and of its entry in the index. */
constexpr std::size_t kFileBytes = 256;
constexpr std::size_t kMostProcesses = 20'000;
constexpr std::size_t kMostPrograms = 5'000;
constexpr std::size_t kMostProgramsOfFile = 8;
constexpr std::size_t kLongestArgument = 256;

std::uint8_t bit(Use use) { return static_cast<std::uint8_t>(use); }
std::uint8_t bit(Found found) { return static_cast<std::uint8_t>(found); }

/** Bytes in the processor's order, which is little-endian on all that the package knows. */
class Packing {
 public:
  void number(std::uint64_t value, std::size_t size) {
    static_assert(std::endian::native == std::endian::little);
    const auto bytes = std::as_bytes(std::span(&value, 1)).first(size);
    packed_.insert(packed_.end(), bytes.begin(), bytes.end());
  }
  void u8(std::uint8_t value) { number(value, sizeof(value)); }
  void u32(std::uint32_t value) { number(value, sizeof(value)); }
  void count(std::size_t value) { u32(static_cast<std::uint32_t>(value)); }
  void text(std::string_view text) {
    count(text.size());
    const auto bytes = std::as_bytes(std::span(text));
    packed_.insert(packed_.end(), bytes.begin(), bytes.end());
  }
  std::vector<std::byte> finish() { return std::move(packed_); }

 private:
  std::vector<std::byte> packed_;
};

}  // namespace

bool SeenPaths::reserve(std::size_t size) {
  // defence: trace-bounded-memory
  if (bytes_ + size > most_bytes_) return false;
  bytes_ += size;
  return true;
}

std::uint32_t SeenPaths::program_of(pid_t process) const {
  const auto found = running_.find(process);
  return found == running_.end() ? kNoProgram : found->second.program;
}

void SeenPaths::begin(pid_t process, pid_t parent, std::int64_t at_us) {
  const std::lock_guard lock(mutex_);
  const std::uint32_t program = program_of(parent);
  Running& running = running_[process] = {.program = program};
  if (program != kNoProgram) programs_[program].processes += 1;
  if (processes_.size() < kMostProcesses) {
    running.process = processes_.size();
    processes_.push_back({.number = process, .parent = parent, .program = program, .began_us = at_us});
  } else {
    processes_left_out_ += 1;
  }
}

void SeenPaths::execute(pid_t process, std::string path, std::string argv0) {
  if (argv0.size() > kLongestArgument) argv0.resize(kLongestArgument);
  const std::lock_guard lock(mutex_);
  std::uint32_t number = kNoProgram;
  std::string key = path + '\0' + argv0;
  if (const auto known = program_numbers_.find(key); known != program_numbers_.end()) {
    number = known->second;
  } else if (programs_.size() < kMostPrograms && reserve(2 * key.size() + kFileBytes)) {
    number = static_cast<std::uint32_t>(programs_.size());
    programs_.push_back({.path = std::move(path), .argv0 = std::move(argv0)});
    program_numbers_.emplace(std::move(key), number);
  }
  if (number != kNoProgram) programs_[number].processes += 1;
  Running& running = running_[process];
  running.program = number;
  if (running.process) processes_[*running.process].program = number;
}

void SeenPaths::end(pid_t process, std::int64_t at_us) {
  const std::lock_guard lock(mutex_);
  const auto found = running_.extract(process);
  if (found && found.mapped().process) processes_[*found.mapped().process].ended_us = at_us;
}

void SeenPaths::forget(pid_t process) {
  const std::lock_guard lock(mutex_);
  running_.erase(process);
}

void SeenPaths::count(File& file, std::uint32_t program, Found found, Use use) {
  file.found |= bit(found);
  file.uses |= bit(use);
  if (file.count != ~std::uint32_t{0}) file.count += 1;
  if (program == kNoProgram || file.programs.size() >= kMostProgramsOfFile) return;
  if (std::ranges::find(file.programs, program) == file.programs.end()) file.programs.push_back(program);
}

void SeenPaths::add(pid_t process, Lookup lookup) {
  const std::lock_guard lock(mutex_);
  const std::uint32_t program = program_of(process);
  std::optional<Lookup> behind;
  if (!lookup.leads_to.empty() && lookup.leads_to != lookup.path) {
    behind = lookup;
    behind->path = std::exchange(behind->leads_to, std::string());
  }
  add_one(program, std::move(lookup));
  // Each file to which a link has led, and not only the first.
  if (behind) add_one(program, std::move(*behind));
}

void SeenPaths::add_one(std::uint32_t program, Lookup lookup) {
  auto known = by_path_.find(lookup.path);
  const bool was_known = known != by_path_.end();
  if (!was_known) {
    if (!reserve(lookup.path.size() + lookup.leads_to.size() + kFileBytes)) {
      lost_ += 1;
      return;
    }
    File& made = files_.emplace_back(
        File{.path = std::move(lookup.path), .leads_to = {}, .first_found = lookup.found, .first_use = lookup.use});
    known = by_path_.emplace(made.path, &made).first;
  }
  File& file = *known->second;
  if (file.leads_to.empty() && !lookup.leads_to.empty() && lookup.leads_to != file.path) {
    if (!was_known || reserve(lookup.leads_to.size()))
      file.leads_to = std::move(lookup.leads_to);
    else
      lost_ += 1;
  }
  if (lookup.lasts) (lookup.follows ? file.lasting_followed : file.lasting_held) |= bit(lookup.use);
  count(file, program, lookup.found, lookup.use);
}

bool SeenPaths::add_known(pid_t process, std::string_view path, Use use, bool follows) {
  const std::lock_guard lock(mutex_);
  const auto known = by_path_.find(path);
  if (known == by_path_.end()) return false;
  File& file = *known->second;
  if (((follows ? file.lasting_followed : file.lasting_held) & bit(use)) == 0) return false;
  // Lasting results are alike, because the place does not change.
  count(file, program_of(process), file.first_found, use);
  return true;
}

void SeenPaths::lose(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  lost_ += count;
}

std::vector<std::byte> SeenPaths::pack() const {
  const std::lock_guard lock(mutex_);
  Packing packing;
  packing.u32(kVersion);
  packing.number(lost_, sizeof(lost_));
  packing.count(programs_.size());
  for (const Program& program : programs_) {
    packing.text(program.path);
    packing.text(program.argv0);
    packing.u32(program.processes);
  }
  packing.count(processes_.size());
  for (const Process& process : processes_) {
    packing.u32(static_cast<std::uint32_t>(process.number));
    packing.u32(static_cast<std::uint32_t>(process.parent));
    packing.u32(process.program);
    packing.number(static_cast<std::uint64_t>(process.began_us), sizeof(process.began_us));
    packing.number(static_cast<std::uint64_t>(process.ended_us), sizeof(process.ended_us));
  }
  packing.u32(processes_left_out_);
  packing.count(files_.size());
  for (const File& file : files_) {
    packing.text(file.path);
    packing.text(file.leads_to);
    for (const std::uint8_t byte : {bit(file.first_found), bit(file.first_use), file.found, file.uses})
      packing.u8(byte);
    packing.u32(file.count);
    packing.count(file.programs.size());
    for (const std::uint32_t program : file.programs) packing.u32(program);
  }
  return packing.finish();
}

}  // namespace buildjail
