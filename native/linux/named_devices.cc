#include "linux/named_devices.h"

#include <variant>

#include "plan/planned_device.h"

namespace buildjail {

namespace {

constexpr const char* kStep = "verify-device";

}  // namespace

Status confirm_named_devices(const EnvelopePlan& plan) {
  for (const Step& step : plan.steps) {
    const auto* const dev = std::get_if<MountDev>(&step);
    if (dev == nullptr) continue;
    for (const NamedDevice& device : dev->devices) {
      if (auto status = confirm_device(device.path, device, kStep); !status) return status;
    }
  }
  return {};
}

}  // namespace buildjail
