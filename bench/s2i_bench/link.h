// What a link does to an all-reduce: a latency and a bandwidth, fitted to a table or given.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"

namespace s2i {

/// An all-reduce of S bytes over n ranks takes
///   latency * ceil(log2 n) + 2 (n - 1) / n * S / bandwidth
/// (Thakur, Rabenseifner, Gropp 2005; "bus bandwidth" in nccl-tests, doc/PERFORMANCE.md).
struct Link {
  double latency = 0;    ///< Seconds a round.
  double bandwidth = 0;  ///< Bus bandwidth, bytes a second.
};

/// Bytes that each rank sends and receives for each byte reduced: 2 (n - 1) / n.
double bus_factor(int ranks);

/// Seconds of an all-reduce of `bytes` over `ranks` joined by one kind of link; 0 for one rank.
double all_reduce_seconds(const Link& link, double bytes, int ranks);

/// A point of a table: bytes, seconds.
struct LinkSample {
  double bytes = 0;
  double seconds = 0;
};

struct LinkFit {
  Link link;
  double worst_error = 0;  ///< The largest of |fitted - measured| / measured.
};

/// Least squares of the relative errors, so that small messages count as much as large ones;
/// neither figure negative. `ranks` > 1, two samples or more of different sizes.
LinkFit fit_link(const std::vector<LinkSample>& samples, int ranks);

/// Names of links whose figures are given, not measured, with their figures and where they are
/// from.
struct LinkPreset {
  const char* name;
  Link link;
  const char* origin;
};
const std::vector<LinkPreset>& link_presets();

/// A preset's name, "MICROSECONDS:GB_PER_SECOND", or the JSON file of s2i-bench allreduce (its
/// first fit). Throws UserError naming the presets.
Link parse_link(const std::string& text);

}  // namespace s2i
