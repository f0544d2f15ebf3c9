#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include "envelope/part.h"
#include "freebsd/new_file.h"
#include "freebsd/password_database.h"
#include "plan/plan.h"

namespace buildjail {

/** /etc/passwd, and the database in which the C library looks users up. They go with the root. */
class Accounts final : public Part {
 public:
  /** All outlive it; `user` is known by the time that it is made. */
  Accounts(const std::string& root, const WriteText& wanted, const BuildUser& user)
      : root_(root), wanted_(wanted), user_(user) {}

  [[nodiscard]] std::string_view step() const override { return "write"; }
  [[nodiscard]] std::string_view target() const override { return wanted_.target; }
  Status make(Trace&) override {
    const std::string text = with_uid(wanted_.text, user_.uid);
    if (auto status = write_new_file(root_ + wanted_.target, text); !status) return status;
    const auto database = password_database(text);
    if (database) return write_new_file(root_ + kDatabase, *database);
    return SysError{.step = {},
                    .syscall = "dbopen",
                    .err = EINVAL,
                    .path = wanted_.target,
                    .dest = {},
                    .detail = "an entry is too long for the database of users"};
  }

  static constexpr const char* kText = "/etc/passwd";

 private:
  static constexpr const char* kDatabase = "/etc/pwd.db";

  /** Lines of name:password:uid:..., where an empty uid is the build user's. */
  static std::string with_uid(std::string_view text, uid_t uid) {
    std::string filled;
    int field = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char one = text[i];
      filled += one;
      field = one == '\n' ? 0 : field + (one == ':' ? 1 : 0);
      if (one == ':' && field == 2 && text.substr(i + 1, 1) == ":") filled += std::to_string(uid);
    }
    return filled;
  }

  const std::string& root_;
  const WriteText& wanted_;
  const BuildUser& user_;
};

}  // namespace buildjail
