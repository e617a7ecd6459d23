# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# CUDA: whether the plug-in is built, and with which compiler.

# shellcheck source=app/setup/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# The pins of crt and nvvm matter: without them pip takes newer ones than this nvcc works with.
toolkit_packages=(
  'nvidia-cuda-nvcc==13.0.*' 'nvidia-cuda-crt==13.0.*' 'nvidia-nvvm==13.0.*'
  'nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-cccl==13.0.*' 'nvidia-cublas==13.0.*'
)

has_nvidia_driver() {
  [[ -e /proc/driver/nvidia/version ]] || has_command nvidia-smi
}

is_cuda_13() { "$1" --version 2>/dev/null | grep -Eq 'release (1[3-9]|[2-9][0-9])\.'; }

# installed_nvcc -> path of a CUDA 13 compiler on this machine, or nothing
installed_nvcc() {
  local candidate
  for candidate in "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc; do
    if [[ -x $candidate ]] && is_cuda_13 "$candidate"; then
      printf '%s\n' "$candidate"
      return
    fi
  done
}

# complete_toolkit FOLDER : the links that CMake's FindCUDAToolkit and the linker look for
complete_toolkit() {
  ln -sfn lib "$1/lib64"
  local library
  for library in "$1"/lib/lib*.so.[0-9]*; do
    [[ -e ${library%%.so.*}.so ]] || ln -s "$(basename "$library")" "${library%%.so.*}.so"
  done
}

# fetched_nvcc -> path of the compiler from PyPI, downloaded (about 1 GB on disk) the first time; nothing on failure
fetched_nvcc() {
  local environment="$cache_root/cuda-13.0" toolkit
  if [[ ! -e $environment/complete ]]; then
    install_packages toolkit
    say "an NVIDIA driver but no CUDA 13 toolkit: fetching the toolkit into $environment"
    rm -rf "$environment"
    mkdir -p "$cache_root"
    python3 -m venv "$environment" >&2 || return 0
    "$environment/bin/python" -m pip install --quiet "${toolkit_packages[@]}" >&2 || return 0
    toolkit=$(printf '%s\n' "$environment"/lib/python3*/site-packages/nvidia/cu13)
    complete_toolkit "$toolkit"
    touch "$environment/complete"
  fi
  printf '%s\n' "$environment"/lib/python3*/site-packages/nvidia/cu13/bin/nvcc
}

# cuda_options -> options for CMake, one a line
cuda_options() {
  local nvcc
  nvcc=$(installed_nvcc)
  if [[ -z $nvcc ]] && has_nvidia_driver; then
    nvcc=$(fetched_nvcc)
    [[ -n $nvcc ]] || say "the CUDA toolkit could not be fetched: building without the CUDA plug-in"
  fi
  if [[ -z $nvcc ]]; then
    printf '%s\n' -DQUANTSCOPE_CUDA=OFF
  else
    printf '%s\n' -DQUANTSCOPE_CUDA=ON "-DCMAKE_CUDA_COMPILER=$nvcc" "-DCUDAToolkit_ROOT=$(dirname "$(dirname "$nvcc")")"
  fi
}
