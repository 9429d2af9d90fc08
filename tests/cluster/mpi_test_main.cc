// main() of GoogleTest binaries under mpirun: rank 0 prints as usual, the other ranks only print
// failures; every rank ends with the same exit status.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "cluster/comm/mpi_check.h"
#include "cluster/mpi_test.h"

namespace {

const s2i::MpiSession* the_session = nullptr;

class FailurePrinter : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "[rank %d] %s:%d: %s\n", s2i::test_session().rank(),
                 result.file_name() == nullptr ? "?" : result.file_name(), result.line_number(),
                 result.message());
  }
};

}  // namespace

const s2i::MpiSession& s2i::test_session() { return *the_session; }

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return s2i::run_with_mpi([](const s2i::MpiSession& session) {
    the_session = &session;
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    if (session.rank() != 0) {
      delete listeners.Release(listeners.default_result_printer());
      listeners.Append(new FailurePrinter);
    }
    return RUN_ALL_TESTS();
  });
}
