#pragma once

#include <napi.h>

#include "freebsd/iovec_list.h"

namespace buildjail {

/** Pairs of a name and bytes, or null; with a place for the kernel's explanation, unless the caller brought one. */
IovecList iovecs_from_js(const Napi::Value& value);

}  // namespace buildjail
