#include "cluster/placement/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "cluster/comm/fixed_text.h"
#include "cluster/comm/launcher.h"
#include "cluster/comm/mpi_gather.h"
#include "cluster/comm/nccl_communicator.h"
#include "cluster/comm/rank_list.h"
#include "cluster/placement/gpu_devices.h"
#include "core/error.h"

namespace s2i {
namespace {

/// DeviceClaim in a fixed size, for MPI.
struct ClaimBlock {
  FixedText<256> host;
  FixedText<64> uuid;
};

std::vector<DeviceClaim> gather_claims(const MpiSession& session, const DeviceClaim& mine) {
  std::vector<DeviceClaim> claims;
  const ClaimBlock block{FixedText<256>(mine.host), FixedText<64>(mine.uuid)};
  for (const auto& one : mpi_gather_values(session.world(), block)) {
    claims.push_back({one.host.text(), one.uuid.text()});
  }
  return claims;
}

}  // namespace

std::string device_problem(const std::vector<DeviceClaim>& claims, bool allow_shared_gpu) {
  std::map<std::string, std::vector<int>> ranks_of_gpu;
  std::vector<int> without;
  for (size_t rank = 0; rank < claims.size(); ++rank) {
    auto& list = claims[rank].uuid.empty() ? without : ranks_of_gpu[claims[rank].uuid];
    list.push_back(static_cast<int>(rank));
  }
  if (!without.empty() && !ranks_of_gpu.empty()) {
    return fmt::format(
        "some ranks have a GPU, but {} on {} have none. Give every rank a GPU, or use the CPU on "
        "all "
        "ranks (run.device=cpu)",
        rank_list(without), claims[static_cast<size_t>(without.front())].host);
  }
  if (allow_shared_gpu) return "";
  for (const auto& [uuid, ranks] : ranks_of_gpu) {
    if (ranks.size() < 2) continue;
    return fmt::format(
        "{} would share one GPU ({} on {}). Start one rank per GPU, or set "
        "cluster.allow_shared_gpu=true",
        rank_list(ranks), uuid, claims[static_cast<size_t>(ranks.front())].host);
  }
  return "";
}

bool shares_gpu(const std::vector<DeviceClaim>& claims) {
  std::set<std::string> seen;
  return std::ranges::any_of(claims, [&](const DeviceClaim& claim) {
    return !claim.uuid.empty() && !seen.insert(claim.uuid).second;
  });
}

at::Device choose_device(const MpiSession& session, const Topology& topology, DeviceChoice request,
                         bool allow_shared_gpu) {
  const int count = request == DeviceChoice::kCpu ? 0 : gpu_count();
  const int index = count > 0 ? topology.local_rank % count : -1;
  const DeviceClaim mine{topology.host, index < 0 ? std::string() : gpu_info(index).uuid};
  const auto claims = gather_claims(session, mine);
  if (const auto problem = device_problem(claims, allow_shared_gpu); !problem.empty()) {
    throw UserError("{}", problem);
  }
  if (index < 0) {
    if (request == DeviceChoice::kCuda) {
      throw UserError("no GPU is visible on {} (CUDA_VISIBLE_DEVICES={}); use device auto or cpu",
                      topology.host,
                      environment_variable("CUDA_VISIBLE_DEVICES").value_or("not set"));
    }
    return at::Device(at::kCPU);
  }
  if (shares_gpu(claims)) allow_shared_gpu_in_nccl(session.rank());
  select_gpu(index);
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

int threads_per_rank(const Topology& topology) {
  if (const auto text = environment_variable("OMP_NUM_THREADS")) {
    const int threads = std::atoi(text->c_str());
    if (threads > 0) return threads;
  }
  return topology.cores;
}

}  // namespace s2i
