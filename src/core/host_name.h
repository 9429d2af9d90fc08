// The name of this host.
#pragma once

#include <string>

namespace s2i {

std::string host_name();

}  // namespace s2i
