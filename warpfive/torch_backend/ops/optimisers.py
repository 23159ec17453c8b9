"""Optimisers with ``fused=True``: a parameter's whole step is one launch.

The rules are those of ``torch.optim``: ``SGD``, ``Adam``, ``AdamW`` and ``Adagrad``. Where
``found_inf`` is 1 nothing changes; gradients are divided by ``grad_scale`` and stored so.
"""

import functools
from collections.abc import Sequence

import torch
from torch import Tensor
from torch._prims_common import is_non_overlapping_and_dense_or_false

from warpfive.torch_backend.ops.launch import Kernel, cpp, numbers
from warpfive.torch_backend.ops.registry import op

THREADS = 128

STEP = """
struct Parameters {
  char *self, *grad, *first, *second, *greatest;
  const float *step, *scale, *found;
  const char *rate;
  long count, flags; double lr, decay, one, two, eps;
};
extern "C" __global__ void k(const Parameters q) {
  const long i = (long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= q.count || (q.found && *q.found == 1.0f)) return;
  const bool maximize = q.flags & 1;
  const T lr = (T)(q.rate ? to<double>(*(const R *)q.rate) : q.lr);
  T value = to<T>(((const X *)q.self)[i]);
  T g = to<T>(((const G *)q.grad)[i]);
  if (q.scale) {
    g /= (T)*q.scale;
    ((G *)q.grad)[i] = to<G>(g);
  }
  if (maximize) g = -g;
  RULE
  ((X *)q.self)[i] = to<X>(value);
}
"""

ADAM = """
  const double step = *q.step;
  if (q.flags & 4) value -= lr * (T)q.decay * value;  // AdamW: apart from the gradient
  else g += (T)q.decay * value;
  const T first = to<T>(((S *)q.first)[i]), second = to<T>(((S *)q.second)[i]);
  const T m = first + (T)(1 - q.one) * (g - first);
  T v = (T)q.two * second + (T)(1 - q.two) * g * g;
  ((S *)q.first)[i] = to<S>(m);
  ((S *)q.second)[i] = to<S>(v);
  if (q.flags & 2) {
    v = fmax(to<T>(((S *)q.greatest)[i]), v);
    ((S *)q.greatest)[i] = to<S>(v);
  }
  const T correction = (T)(1 - pow(q.one, step)), root = (T)sqrt(1 - pow(q.two, step));
  value -= lr / correction * m / (sqrt(v) / root + (T)q.eps);
"""

SGD = """
  const bool nesterov = q.flags & 2, first_step = q.flags & 4;
  g += (T)q.decay * value;
  if (q.first) {
    const T old = to<T>(((S *)q.first)[i]);
    const T m = first_step ? g : (T)q.one * old + (T)(1 - q.two) * g;
    ((S *)q.first)[i] = to<S>(m);
    g = nesterov ? g + (T)q.one * m : m;
  }
  value -= lr * g;
"""

ADAGRAD = """
  g += (T)q.decay * value;
  const T sum = to<T>(((S *)q.first)[i]) + g * g;
  ((S *)q.first)[i] = to<S>(sum);
  value -= lr / (T)(1 + ((double)*q.step - 1) * q.one) * g / (sqrt(sum) + (T)q.eps);
"""


@functools.cache
def step_kernel(
    rule: str, own: torch.dtype, grad: torch.dtype, state: torch.dtype, rate: torch.dtype
) -> Kernel:
    head = f"{numbers()}\ntypedef {cpp(own)} X; typedef {cpp(grad)} G; typedef {cpp(state)} S;\n"
    head += f"typedef {cpp(rate)} R; typedef math_t<X> T;\n"
    return Kernel(head + STEP.replace("RULE", rule), "PPPPPPPPPqqddddd", "optimiser_step")


def step(
    rule: str, self: Tensor, grad: Tensor, first: Tensor | None, second: Tensor | None,
    greatest: Tensor | None, at: Tensor | None, scale: Tensor | None, found: Tensor | None,
    lr: Tensor | float, decay: float, one: float, two: float, eps: float, flags: Sequence[bool],
) -> None:  # fmt: skip
    """One parameter's step. ``flags`` are what the rule calls bits 1, 2 and 4."""
    states = [each for each in (grad, first, second, greatest) if each is not None]
    alike = all(each.stride() == self.stride() for each in states)
    if not alike or not is_non_overlapping_and_dense_or_false(self):
        # The kernel walks all of them alike; what lies otherwise is brought into line and back.
        given = (self, grad, first, second, greatest)
        copies = [None if each is None else each.contiguous() for each in given]
        step(rule, *copies, at, scale, found, lr, decay, one, two, eps, flags)  # type: ignore
        for own, copy in zip(given, copies, strict=True):
            if own is not None and copy is not own:
                own.copy_(copy)
        return
    tensor = isinstance(lr, Tensor)
    kernel = step_kernel(
        rule, self.dtype, grad.dtype, self.dtype if first is None else first.dtype,
        lr.dtype if tensor else torch.float32,
    )  # fmt: skip
    if self.numel():
        kernel(
            -(-self.numel() // THREADS), THREADS, self, grad,
            *(0 if each is None else each for each in (first, second, greatest)),
            *(0 if each is None else each.float() for each in (at, scale, found)),
            lr.to(self.device) if tensor else 0, self.numel(),
            sum(bit << place for place, bit in enumerate(map(bool, flags))),
            0.0 if tensor else float(lr), decay, one, two, eps,
        )  # fmt: skip


def each(parameters: Sequence[Tensor], *lists: Sequence[Tensor]) -> zip:
    """Parameters with their states; None where a list is empty."""
    return zip(parameters, *(one or [None] * len(parameters) for one in lists), strict=True)


def adam(
    self: list[Tensor], grads: list[Tensor], exp_avgs: list[Tensor], exp_avg_sqs: list[Tensor],
    max_exp_avg_sqs: list[Tensor], state_steps: list[Tensor], *, lr: Tensor | float, beta1: float,
    beta2: float, weight_decay: float, eps: float, amsgrad: bool, maximize: bool,
    grad_scale: Tensor | None = None, found_inf: Tensor | None = None, apart: bool = False,
) -> None:  # fmt: skip
    for own, grad, m, v, most, at in each(
        self, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs if amsgrad else [], state_steps
    ):
        step(ADAM, own, grad, m, v, most, at, grad_scale, found_inf, lr, weight_decay, beta1,
             beta2, eps, (maximize, amsgrad, apart))  # fmt: skip


OPERATORS_OF = {
    ("_fused_adam_", "_fused_adam_.tensor_lr"): adam,
    ("_fused_adamw_", "_fused_adamw_.tensor_lr"): functools.partial(adam, apart=True),
}
for names, function in OPERATORS_OF.items():
    op(*names)(function)


@op("_fused_sgd_", "_fused_sgd_.tensor_lr")
def sgd(
    self: list[Tensor], grads: list[Tensor], momentum_buffer_list: list[Tensor], *,
    weight_decay: float, momentum: float, lr: Tensor | float, dampening: float, nesterov: bool,
    maximize: bool, is_first_step: bool, grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
) -> None:  # fmt: skip
    for own, grad, buffer in each(self, grads, momentum_buffer_list):
        step(SGD, own, grad, buffer, None, None, None, grad_scale, found_inf, lr, weight_decay,
             momentum, dampening, 0.0, (maximize, nesterov, is_first_step))  # fmt: skip


@op("_fused_adagrad_", "_fused_adagrad_.tensor_lr")
def adagrad(
    self: list[Tensor], grads: list[Tensor], state_sums: list[Tensor], state_steps: list[Tensor],
    *, lr: Tensor | float, lr_decay: float, weight_decay: float, eps: float, maximize: bool,
    grad_scale: Tensor | None = None, found_inf: Tensor | None = None,
) -> None:  # fmt: skip
    for own, grad, total, at in each(self, grads, state_sums, state_steps):
        step(ADAGRAD, own, grad, total, None, None, at, grad_scale, found_inf, lr, weight_decay,
             lr_decay, 0.0, eps, (maximize,))  # fmt: skip
