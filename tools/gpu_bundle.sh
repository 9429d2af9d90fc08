#!/usr/bin/env bash
# Packs the programs and their shared libraries, except LibTorch, CUDA and the C library, for a machine with a GPU and
# a PyTorch wheel but without a compiler, MPI or HDF5:
#
#   tools/gpu_bundle.sh [DIR]      default .gpu (ignored by git); at most 60 MiB
#
# Writes bundle.tar.gz and env.sh to DIR. On the GPU machine, in the root of this repository:
#
#   . DIR/env.sh && tools/gpu_check.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=${1:-.gpu} bin=${S2I_BIN:-build/release/bin}
programs=(device_compare cluster_mpi_test s2i-train s2i-evaluate s2i-preprocess s2i-make-random-model s2i-epoch-plan)
[ ! -x "$bin/s2i-bench" ] || programs+=(s2i-bench)

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
rm -rf "$out"
mkdir -p "$dir/bin" "$dir/libexec" "$dir/lib"
for program in "${programs[@]}"; do
  [ -x "$bin/$program" ] || { echo "gpu_bundle: $bin/$program is missing; build it: tools/setup.sh --tests" >&2; exit 2; }
  strip -o "$dir/libexec/$program" "$bin/$program"
done

# h5py, which compare_training.py needs in addition to torch and transformers, for the target's Python.
if python3 -m pip download -q --no-deps --only-binary=:all: --python-version "${S2I_BUNDLE_PYTHON:-3.12}" \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux_2_17_x86_64 \
    -d "$dir/wheels" "$(grep '^h5py' tools/requirements/tests.txt)"; then
  python3 -c 'import sys, zipfile; [zipfile.ZipFile(w).extractall(sys.argv[1]) for w in sys.argv[2:]]' \
    "$dir/site" "$dir"/wheels/*.whl
  rm -rf "$dir/wheels"
else
  echo "gpu_bundle: h5py could not be downloaded; bench/peers requires it on the GPU machine" >&2
fi

# Open MPI and PMIx with their plugins, in the folders where they are expected under OPAL_PREFIX.
mpi=/usr/lib/x86_64-linux-gnu/openmpi pmix=/usr/lib/x86_64-linux-gnu/pmix2
[ -d $mpi ] && [ -d $pmix ] || { echo "gpu_bundle: Debian's Open MPI is required" >&2; exit 2; }
mkdir -p "$dir/mpi/bin" "$dir/mpi/share" "$dir/mpi/etc" "$dir/mpi/lib/x86_64-linux-gnu"
cp -L /usr/bin/mpirun /usr/bin/orted "$dir/mpi/bin/"
cp -rL /usr/share/openmpi "$dir/mpi/share/"
cp -rL /etc/openmpi "$dir/mpi/etc/" 2> /dev/null || true
mkdir -p "$dir/mpi/lib/x86_64-linux-gnu/openmpi/lib" "$dir/mpi/lib/x86_64-linux-gnu/pmix2/lib"
cp -rL $mpi/lib/openmpi3 "$dir/mpi/lib/x86_64-linux-gnu/openmpi/lib/"
cp -rL $pmix/lib/pmix "$dir/mpi/lib/x86_64-linux-gnu/pmix2/lib/"
cp -rL $pmix/share "$dir/mpi/lib/x86_64-linux-gnu/pmix2/"
# Plugins for networks and schedulers that bring large libraries of their own, and PMIx's zlib compression, which does
# not load outside its installed place (undefined symbol: pmix_output_info).
find "$dir/mpi" -name 'pmix_mca_pcompress_zlib.so' -o -name 'mca_*_ucx.so' -o -name 'mca_*_ofi*.so' -o -name 'mca_*_psm*.so' -o -name 'mca_*_cuda.so' \
  -o -name 'mca_*_openib.so' -o -name '*.la' -o -name '*_java*' -o -name 'mca_*_ucc.so' -o -name 'mca_*_usnic.so' | xargs -r rm -f

ours='libtorch|libc10|libcud|libnccl|libcublas|libcufft|libcurand|libcusparse|libcusolver|libcupti|libcufile|libnv|libgomp'
system='ld-linux|libc\.so|libm\.so|libdl\.so|libpthread|librt\.so|libresolv|libutil\.so|libstdc\+\+|libgcc_s|linux-vdso'
{
  find "$dir/libexec" "$dir/mpi/bin" -type f
  find "$dir/mpi" -name '*.so'
} | xargs ldd 2> /dev/null | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u |
  grep -Ev "/($ours|$system)" | while read -r library; do cp -L "$library" "$dir/lib/"; done
find "$dir/lib" "$dir/mpi/lib" -name '*.so*' -exec strip --strip-unneeded {} + 2> /dev/null || true

# Wrapper scripts set the library path only for these programs.
for program in "${programs[@]}" mpirun; do
  place=libexec
  [ "$program" != mpirun ] || place=mpi/bin
  cat > "$dir/bin/$program" << END
#!/bin/sh
bundle=\$(cd "\$(dirname "\$0")/.." && pwd)
export LD_LIBRARY_PATH="\$bundle/lib:\$S2I_TORCH_LIBRARIES:\$LD_LIBRARY_PATH"
exec "\$bundle/$place/$program" "\$@"
END
  chmod +x "$dir/bin/$program"
done
mkdir -p "$out"
tar -C "$dir" -czf "$out/bundle.tar.gz" .
cat > "$out/env.sh" << 'END'
# Source this file to use the bundled programs and Open MPI with the LibTorch of python3.
packed=$(dirname "${BASH_SOURCE[0]}")/bundle.tar.gz
bundle=${TMPDIR:-/tmp}/s2i-bundle-$(cksum < "$packed" | cut -d ' ' -f 1)
[ -d "$bundle" ] || { mkdir "$bundle" && tar -C "$bundle" -xzf "$packed"; }
torch=$(python3 -c 'import importlib.util, os; print(os.path.dirname(importlib.util.find_spec("torch").origin))' 2> /dev/null) && torch=$torch/lib
[ -n "$torch" ] || { echo "env.sh: torch is not installed for python3" >&2; return 1; }
S2I_TORCH_LIBRARIES=$torch:$(find "$torch/../../nvidia" -maxdepth 3 -name 'lib' -type d 2> /dev/null | tr '\n' ':')
for cuda in /usr/local/cuda/lib64 /usr/local/cuda/lib; do
  [ ! -d $cuda ] || S2I_TORCH_LIBRARIES+=:$cuda
done
python3 -c 'import h5py' 2> /dev/null || export PYTHONPATH=${PYTHONPATH:+$PYTHONPATH:}$bundle/site
export S2I_TORCH_LIBRARIES S2I_BIN=$bundle/bin OPAL_PREFIX=$bundle/mpi PATH=$bundle/bin:$PATH
export OPAL_LIBDIR=$bundle/mpi/lib/x86_64-linux-gnu/openmpi/lib
export PMIX_INSTALL_PREFIX=$bundle/mpi/lib/x86_64-linux-gnu/pmix2
export PMIX_MCA_pcompress_base_silence_warning=1 PMIX_MCA_pcompress=^zlib
unset packed bundle torch cuda
END
size=$(du -sm "$out" | cut -f 1)
echo "$out: $size MiB, unpacked $(du -sm "$dir" | cut -f 1)"
[ "$size" -le 60 ] || { echo "gpu_bundle: more than 60 MiB" >&2; exit 1; }
