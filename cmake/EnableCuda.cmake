# SPDX-License-Identifier: GPL-3.0-or-later
# quantscope_enable_cuda(): CUDA as a language with C++20 and the toolkit's imported targets (CUDA::cudart_static,
# CUDA::cublas), on Debian 12's CMake 3.25.1 with CUDA 13. A macro, because enable_language() and the variables it sets
# belong to the directory that calls it. Call it only when quantscope_find_nvcc() has found a compiler.

# Code for every GPU that CUDA 13 knows, and PTX for later ones.
set(QUANTSCOPE_CUDA_ARCHITECTURES "75-real;80-real;86-real;89-real;90-real;100-real;120-real;120-virtual")

# quantscope_find_nvcc(VARIABLE): the path of a CUDA 13 (or newer) compiler, or an empty string; a message says why.
function(quantscope_find_nvcc variable)
  set(${variable} "" PARENT_SCOPE)
  set(nvcc ${CMAKE_CUDA_COMPILER})
  if(NOT nvcc)
    set(nvcc $ENV{CUDACXX})
  endif()
  if(NOT nvcc)
    find_program(QUANTSCOPE_NVCC nvcc HINTS /usr/local/cuda/bin)
    mark_as_advanced(QUANTSCOPE_NVCC)
    set(nvcc ${QUANTSCOPE_NVCC})
  endif()
  if(NOT nvcc)
    message(STATUS "Without the CUDA plug-in: nvcc was not found")
    return()
  endif()
  execute_process(COMMAND ${nvcc} --version OUTPUT_VARIABLE text ERROR_QUIET)
  if(NOT text MATCHES "release ([0-9]+)\\." OR CMAKE_MATCH_1 LESS 13)
    message(STATUS "Without the CUDA plug-in: ${nvcc} is not CUDA 13 or newer")
    return()
  endif()
  set(${variable} ${nvcc} PARENT_SCOPE)
endfunction()

macro(quantscope_enable_cuda nvcc)
  if(NOT CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_COMPILER ${nvcc})
  endif()
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES "${QUANTSCOPE_CUDA_ARCHITECTURES}")
  endif()
  enable_language(CUDA)

  # CMake before 3.25.2 does not know nvcc's flag for C++20.
  if(CMAKE_VERSION VERSION_LESS 3.25.2 AND NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
    list(APPEND CMAKE_CUDA_COMPILE_FEATURES cuda_std_20)
  endif()
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)

  # CUDA 13 has no libnvToolsExt, and FindCUDAToolkit of CMake 3.25.1 sets a property of its target all the same.
  if(CMAKE_VERSION VERSION_LESS 3.25.2 AND NOT TARGET CUDA::nvToolsExt)
    add_library(CUDA::nvToolsExt INTERFACE IMPORTED)
  endif()
  find_package(CUDAToolkit 13 REQUIRED)

  # CMake takes the compiler's own library folder for one that the loader searches, which a toolkit outside the system
  # folders is not: without this libcublas.so.13 is not found at run time.
  list(APPEND CMAKE_BUILD_RPATH "${CUDAToolkit_LIBRARY_DIR}")
endmacro()
