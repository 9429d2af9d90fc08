# s2i_mpi_test(NAME RANKS n... SOURCES ... LINK lib ...)
# Adds a GoogleTest binary that runs under mpirun, once for each number of ranks. Its main function is
# in tests/cluster/mpi_test_main.cc: only rank 0 prints, and a failure on any rank fails the test. Open
# MPI's options are set in the environment, so that mpiexec of other MPIs also works. They allow more
# ranks than cores and root (for containers), disable binding, and disable single-copy shared memory,
# which causes a warning in containers.
set(S2I_MPI_TEST_ENVIRONMENT
  OMPI_ALLOW_RUN_AS_ROOT=1
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  OMPI_MCA_rmaps_base_oversubscribe=1
  OMPI_MCA_hwloc_base_binding_policy=none
  OMPI_MCA_btl_vader_single_copy_mechanism=none
  OMP_NUM_THREADS=1)

function(s2i_mpi_test name)
  cmake_parse_arguments(ARG "" "" "RANKS;SOURCES;LINK" ${ARGN})
  s2i_program(${name}
    SOURCES ${PROJECT_SOURCE_DIR}/tests/cluster/mpi_test_main.cc ${ARG_SOURCES}
    LINK GTest::gmock GTest::gtest s2i_cluster ${ARG_LINK})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  foreach(ranks IN LISTS ARG_RANKS)
    add_test(NAME ${name}.ranks${ranks}
      COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} $<TARGET_FILE:${name}>)
    set_tests_properties(${name}.ranks${ranks} PROPERTIES
      PROCESSORS ${ranks} TIMEOUT 180 ENVIRONMENT "${S2I_MPI_TEST_ENVIRONMENT}")
  endforeach()
endfunction()
