# s2i_python_test(NAME FILES a_test.py ... [TIMEOUT seconds] [PROCESSORS n])
# Adds a test that runs pytest on the files, with the folder of the programs in $S2I_BIN. Requires the packages of
# tools/requirements/tests.txt (tools/setup.sh --tests); a test whose package is missing is skipped with a message.
# Set PROCESSORS for tests that keep several cores busy all the time. Tests whose ranks mostly wait count as one.
find_program(S2I_PYTHON python
  HINTS ${PROJECT_SOURCE_DIR}/.deps/python/bin NO_DEFAULT_PATH
  DOC "Python with the reference implementations for the tests")
if(NOT S2I_PYTHON)
  find_program(S2I_PYTHON python3 REQUIRED)
endif()

function(s2i_python_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT;PROCESSORS" "FILES" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NOT ARG_PROCESSORS)
    set(ARG_PROCESSORS 1)
  endif()
  add_test(NAME ${name}
    COMMAND ${S2I_PYTHON} -m pytest -q -rs -p no:cacheprovider ${ARG_FILES}
    WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  # pytest ends with 5 if every file is skipped as a whole.
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 5
    TIMEOUT ${ARG_TIMEOUT} PROCESSORS ${ARG_PROCESSORS}
    ENVIRONMENT "S2I_BIN=${PROJECT_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1;OMP_WAIT_POLICY=passive")
endfunction()
