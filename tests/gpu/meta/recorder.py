"""Records the operations of a piece of code on the meta device, and finds what a GPU would suffer from.

A dispatch mode sees every operation with its arguments and results, also those of the autograd engine.
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# Operations that wait for the device, because the host needs a value or a shape that depends on one.
SYNCHRONIZING = {"_local_scalar_dense", "item", "nonzero", "masked_select", "is_nonzero", "equal", "unique", "_unique2",
                 "unique_consecutive", "bincount", "repeat_interleave"}

# Without a deterministic CUDA kernel, or with one only on request: the documentation of
# torch.use_deterministic_algorithms, PyTorch 2.11, by the names of the operations behind the functions listed there.
NONDETERMINISTIC = {"index_add", "index_add_", "index_copy", "index_put_", "_index_put_impl_", "put_", "scatter_add",
                    "scatter_add_", "scatter_reduce", "index_reduce", "gather_backward", "embedding_dense_backward",
                    "embedding_bag", "_embedding_bag", "bincount", "histc", "cumsum", "kthvalue", "median", "nanmedian",
                    "grid_sampler_2d_backward", "grid_sampler_3d_backward", "adaptive_avg_pool2d_backward",
                    "_adaptive_avg_pool2d_backward", "adaptive_max_pool2d_backward", "avg_pool3d_backward",
                    "max_pool3d_with_indices_backward", "max_unpool2d", "reflection_pad1d_backward",
                    "reflection_pad2d_backward", "replication_pad1d_backward", "replication_pad2d_backward",
                    "upsample_linear1d_backward", "upsample_bilinear2d_backward", "_ctc_loss_backward",
                    "nll_loss2d_forward", "fractional_max_pool2d_backward", "index_select_backward"}

# All floating tensors of these have one type: cuBLAS and cuDNN refuse others, LibTorch's CPU kernels do not.
ONE_TYPE = {"mm", "addmm", "addmm_", "bmm", "baddbmm", "baddbmm_", "convolution", "convolution_backward",
            "native_layer_norm", "native_layer_norm_backward", "addmv", "mv"}

# They make a tensor or a view, which needs no kernel.
NO_KERNEL = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "detach", "detach_", "alias",
             "_unsafe_view", "lift_fresh", "set_", "resize_"}

COPIES = {"_to_copy", "copy_", "clone"}


def name_of(function):
    return function._schema.name.split("::")[-1]


def tensors_in(values):
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)]


def nbytes(tensor):
    return tensor.numel() * tensor.element_size()


class Recorder(TorchDispatchMode):
    """with Recorder() as record: ...; then its lists and counts."""

    def __init__(self):
        super().__init__()
        self.kernels = []  # names, in order
        self.bytes_written = 0
        self.host_copies = 0
        self.problems = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        inputs = tensors_in([args, kwargs or {}])
        on_device = any(t.is_meta for t in inputs)
        if on_device:
            self.check(name_of(function), inputs)
        result = function(*args, **(kwargs or {}))
        outputs = tensors_in(result)
        if on_device or any(t.is_meta for t in outputs):
            self.count(function, name_of(function), inputs, outputs)
        return result

    def check(self, name, inputs):
        if name in SYNCHRONIZING:
            self.problems.append(f"{name} waits for the device")
        if name in NONDETERMINISTIC:
            self.problems.append(f"{name} is not deterministic on a GPU")
        if name not in COPIES and any(not t.is_meta and t.dim() > 0 for t in inputs):
            self.problems.append(f"{name} has a host tensor among its arguments")
        floating = {t.dtype for t in inputs if t.is_floating_point()}
        if name in ONE_TYPE and len(floating) > 1:
            self.problems.append(f"{name} mixes {sorted(map(str, floating))}")

    def count(self, function, name, inputs, outputs):
        if name in COPIES and any(not t.is_meta for t in inputs):
            self.host_copies += 1
            return
        schema = function._schema
        is_view = any(r.alias_info is not None and not r.alias_info.is_write for r in schema.returns)
        if is_view or name in NO_KERNEL:
            return
        self.kernels.append(name)
        self.bytes_written += sum(nbytes(t) for t in outputs)
        if not outputs:  # it writes to its arguments only
            self.bytes_written += sum(nbytes(t) for t in inputs)
