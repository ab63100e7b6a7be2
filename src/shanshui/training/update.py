"""One optimiser's part of a training step: backward, check, clip, step.

Objectives return named scalars and never call backward; every learner's backward pass happens here, so no learner
can forget to check that it is finite.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from shanshui.errors import NonFiniteError
from shanshui.training.schedules import Schedule


@dataclass(frozen=True, kw_only=True)
class AdamConfig:
    """Adam (Kingma and Ba 2015) with everything that shapes its steps.

    Attributes:
        learning_rate: the highest rate; `schedule` scales it.
        beta1, beta2: decay of the first and second moment.
        weight_decay: strength of the L2 penalty on the weights.
        clip_norm: longest gradient, over all parameters together; None leaves gradients as they are.
    """

    learning_rate: float = 2e-4
    beta1: float = 0.0
    beta2: float = 0.99
    weight_decay: float = 0.0
    clip_norm: float | None = None
    schedule: Schedule = field(default_factory=Schedule)


class Updater:
    """A network with its optimiser: `updater(terms, images_seen)` makes one step downhill on the sum of `terms`.

    Attributes:
        network: the network, prepared for the device and precision; call this one.
    """

    def __init__(self, fabric: Fabric, network: nn.Module, config: AdamConfig) -> None:
        self._fabric = fabric
        self._config = config
        adam = torch.optim.Adam(
            network.parameters(),
            lr=config.learning_rate,
            betas=(config.beta1, config.beta2),
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.network, self._optimizer = fabric.setup(network, adam)

    def __call__(self, terms: Mapping[str, Tensor], images_seen: int) -> None:
        """Step on the sum of `terms` (scalars) at the learning rate of `images_seen`.

        Raises:
            NonFiniteError: a term or a gradient is not finite; nothing was updated.
        """
        require_finite(terms)
        self._optimizer.zero_grad(set_to_none=True)
        self._fabric.backward(torch.stack(list(terms.values())).sum())
        self._clip()
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.learning_rate * self._config.schedule.factor(images_seen)
        self._optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Weights and optimiser, to continue from."""
        return {"network": self.network.state_dict(), "optimizer": self._optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])

    def _clip(self) -> None:
        gradients = {name: p.grad for name, p in self.network.named_parameters() if p.grad is not None}
        norm = nn.utils.get_total_norm(gradients.values())
        if not torch.isfinite(norm):
            require_finite({f"gradient of {name}": gradient for name, gradient in gradients.items()})
            raise NonFiniteError("The gradients are too large to measure: lower the learning rate and resume.")
        if self._config.clip_norm is not None:
            nn.utils.clip_grads_with_norm_(self.network.parameters(), self._config.clip_norm, norm)


def require_finite(tensors: Mapping[str, Tensor]) -> None:
    """Pass if every tensor is finite.

    Raises:
        NonFiniteError: naming the first tensor that is not.
    """
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise NonFiniteError(
                f"Training stopped because {name} is not finite; the last checkpoint is untouched: "
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
