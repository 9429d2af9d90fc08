# s2i_python_test(NAME FILES a_test.py ... [TIMEOUT seconds] [PROCESSORS n])
# Runs pytest on the files, with the programs' folder in $S2I_BIN. Needs the packages of
# tools/requirements/tests.txt (tools/setup.sh --tests); a test whose package is missing skips and says so.
# PROCESSORS is for a test that keeps more than one core busy all the while. One that starts ranks which mostly
# start, wait and end counts as one, so that two of them fill two cores.
find_program(S2I_PYTHON python
  HINTS ${PROJECT_SOURCE_DIR}/.deps/python/bin NO_DEFAULT_PATH
  DOC "Python with the references that the tests compare with")
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
  set_tests_properties(${name} PROPERTIES
    TIMEOUT ${ARG_TIMEOUT} PROCESSORS ${ARG_PROCESSORS}
    ENVIRONMENT "S2I_BIN=${PROJECT_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1;OMP_WAIT_POLICY=passive")
endfunction()
