"""One optimiser's part of a training step: backward, check, clip, step.

Objectives return named scalars and never call backward; every learner's backward pass happens here, so no learner
can forget to check that it is finite.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from shanshui.errors import ConfigError, ExplodingError, NonFiniteError
from shanshui.objectives.regularizers import l1, l2
from shanshui.together import average_in_place, common_mean
from shanshui.training.monitors.exploding import Pulse, exploding, remembered
from shanshui.training.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class AdamConfig:
    """Adam (Kingma and Ba 2015) with everything that shapes its steps.

    Attributes:
        learning_rate: the highest rate; `schedule` scales it.
        beta1: decay of the first moment.
        beta2: decay of the second moment, the highest; `beta2_schedule` scales it.
        l1: strength of sum |w| over the weights.
        l2: strength of 1/2 sum w^2 over the weights.
        clip_value: largest magnitude of each entry of the gradient; None for any.
        clip_norm: longest gradient, over all parameters together, after `clip_value`; None for any.
    """

    learning_rate: float = 2e-4
    beta1: float = 0.0
    beta2: float = 0.99
    l1: float = 0.0
    l2: float = 0.0
    clip_value: float | None = None
    clip_norm: float | None = None
    schedule: Schedule = field(default_factory=Schedule)
    beta2_schedule: Schedule = field(default_factory=Schedule)

    def lazily(self, every: int) -> "AdamConfig":
        """Adam where a penalty has an optimiser step of its own after every `every` steps on the game.

        Karras et al. 2020 (https://arxiv.org/abs/1912.04958), appendix B: with c = every / (every + 1), rate x c and
        betas^c make up for the additional step; the caller multiplies the penalty's strength by `every`. A penalty
        that joins the terms of the game's step needs no other Adam. One departure: a schedule of beta2 scales the
        power of beta2 instead of being raised to it.

        Raises:
            ConfigError: `every` is below 1.
        """
        if every < 1:
            raise ConfigError(f"A penalty cannot be applied every {every} steps: give at least 1.")
        share = every / (every + 1)
        return replace(self, learning_rate=self.learning_rate * share, beta1=self.beta1**share, beta2=self.beta2**share)


class Updater:
    """A network with its optimiser: `updater(terms, images_seen)` makes one step downhill on the sum of `terms`.

    A batch that is too large for the memory comes in parts: `backward` for each, then one `step`.

    Attributes:
        network: the network, prepared for the device and precision; call this one.
    """

    def __init__(self, fabric: Fabric, network: nn.Module, config: AdamConfig) -> None:
        self._fabric = fabric
        self._config = config
        adam = torch.optim.Adam(
            network.parameters(), lr=config.learning_rate, betas=(config.beta1, config.beta2), fused=True
        )
        self.network, self._optimizer = fabric.setup(network, adam)
        self._accumulating = False
        self._loss = torch.zeros(())
        self._pulses: tuple[Pulse, ...] = ()

    def differentiable(self, *arguments: Any) -> Tensor:
        """What `network` answers, in the same precision, as a tensor of which a penalty may take a gradient.

        Fabric refuses that for what its own wrapper answers in mixed precision, because it wants to scale losses, and a
        compiled network is not differentiable twice.
        """
        with self._fabric.autocast():
            answer: Tensor = self.network.module(*arguments)
        return answer.float()

    def __call__(self, terms: Mapping[str, Tensor], images_seen: int) -> None:
        """Step on the sum of `terms` (scalars) at the learning rate of `images_seen`.

        Raises:
            NonFiniteError: a term or a gradient is not finite; nothing was updated.
            ExplodingError: the loss, a gradient or the weights have exploded; nothing was updated.
        """
        self.backward(terms)
        self.step(images_seen)

    def backward(self, terms: Mapping[str, Tensor], share: float = 1.0) -> None:
        """Add the gradient of share x the sum of `terms` (scalars) to those since the last step.

        Args:
            terms: means over one part of the batch.
            share: of the batch that is in this part; shares that add up to 1 give the gradient of the whole.

        Raises:
            NonFiniteError: a term is not finite; nothing was updated.
        """
        told = common_mean(torch.stack([term.detach().float() for term in terms.values()]))
        require_finite(dict(zip(terms, told, strict=True)))
        if not self._accumulating:
            # Another player's step may have left gradients here.
            self._optimizer.zero_grad(set_to_none=True)
            self._accumulating = True
            self._loss = torch.zeros(())
        self._loss = self._loss.to(told.device) + share * told.sum()
        self._fabric.backward(share * torch.stack(list(terms.values())).sum())

    def step(self, images_seen: int) -> None:
        """One step along the gradients since the last one, at the learning rate of `images_seen`.

        Raises:
            NonFiniteError: a gradient is not finite; nothing was updated.
            ExplodingError: the loss, a gradient or the weights have exploded; nothing was updated.
        """
        self._accumulating = False
        average_in_place([p.grad for p in self.network.parameters() if p.grad is not None])
        self._shrink_weights()
        gradients = {name: p.grad for name, p in self.network.named_parameters() if p.grad is not None}
        norm = _finite_norm(gradients)
        self._feel_pulse(gradients, norm)
        self._clip(gradients, norm)
        config = self._config
        for group in self._optimizer.param_groups:
            group["lr"] = config.learning_rate * config.schedule.value(images_seen)
            group["betas"] = (config.beta1, config.beta2 * config.beta2_schedule.value(images_seen))
        self._optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimiser and the pulse of past steps, to continue from."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "pulses": [tuple(pulse) for pulse in self._pulses],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.network.load_state_dict(state["network"])
        parameters = [parameter for group in self._optimizer.param_groups for parameter in group["params"]]
        self._optimizer.load_state_dict(_laid_out_like(parameters, state["optimizer"]))
        # States of the first releases have no pulse.
        self._pulses = tuple(Pulse(*pulse) for pulse in state.get("pulses", ()))

    def _shrink_weights(self) -> None:
        """Add the slopes of the L1 and L2 penalties: of weights only, not of biases or gains, which are vectors."""
        if self._config.l1 == self._config.l2 == 0:
            return
        weights = [p for p in self.network.parameters() if p.ndim > 1 and p.grad is not None]
        penalty = self._config.l1 * l1(weights) + self._config.l2 * l2(weights)
        for weight, slope in zip(weights, torch.autograd.grad(penalty, weights), strict=True):
            weight.grad += slope

    def _feel_pulse(self, gradients: Mapping[str, Tensor], norm: Tensor) -> None:
        """Refuse a step whose loss, gradient or weights have exploded, in the name of the largest tensor."""
        weights = dict(self.network.named_parameters())
        norms = self._loss, norm, nn.utils.get_total_norm(weights.values())
        now = Pulse(*torch.stack([each.detach().float().to(norm.device) for each in norms]).tolist())
        exploded = exploding(self._pulses, now)
        if exploded is not None:
            named = {"loss": "the loss", "gradient": f"the gradient of {_largest(gradients)}"}
            what = named.get(exploded, f"the weight {_largest(weights)}, with all others,")
            raise ExplodingError(
                f"A step was not made because {what} grew beyond anything that learning needs, to "
                f"{getattr(now, exploded):.3g}; the last checkpoint is untouched: resume from it with a lower learning "
                "rate."
            )
        self._pulses = remembered(self._pulses, now)

    def _clip(self, gradients: Mapping[str, Tensor], norm: Tensor) -> None:
        if self._config.clip_value is not None:
            nn.utils.clip_grad_value_(self.network.parameters(), self._config.clip_value)
            norm = nn.utils.get_total_norm(gradients.values())
        if self._config.clip_norm is not None:
            nn.utils.clip_grads_with_norm_(self.network.parameters(), self._config.clip_norm, norm)


def _laid_out_like(parameters: Sequence[nn.Parameter], state: Mapping[str, Any]) -> dict[str, Any]:
    """The state of an optimiser whose moments lie in memory as its parameters do.

    Fused Adam goes through all of them from front to back, and a state from a file has forgotten channels-last.
    """

    def laid_out(value: Any, parameter: nn.Parameter) -> Any:
        if not isinstance(value, Tensor) or value.shape != parameter.shape:
            return value
        return torch.empty_like(parameter, dtype=value.dtype).copy_(value)

    moments = {
        index: {name: laid_out(value, parameters[index]) for name, value in values.items()}
        for index, values in state["state"].items()
    }
    return {**state, "state": moments}


def _finite_norm(gradients: Mapping[str, Tensor]) -> Tensor:
    """The norm of all gradients together; NonFiniteError, naming a tensor, unless it is finite."""
    norm = nn.utils.get_total_norm(gradients.values())
    if not torch.isfinite(norm):
        require_finite({f"gradient of {name}": gradient for name, gradient in gradients.items()})
        raise NonFiniteError("The gradients are too large to measure: lower the learning rate and resume.")
    return norm


def _largest(tensors: Mapping[str, Tensor]) -> str:
    largest = max(tensors, key=lambda name: float(tensors[name].detach().norm()))
    return largest.removeprefix("_forward_module.")


def require_finite(tensors: Mapping[str, Tensor]) -> None:
    """Pass if every tensor is finite.

    Raises:
        NonFiniteError: naming the first tensor that is not.
    """
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise NonFiniteError(
                f"A step was not made because {name} is not finite; the last checkpoint is untouched: "
                "resume from it with a lower learning rate or --precision 32-true."
            )


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Inside the block gradients flow through `network` but not into its parameters."""
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
