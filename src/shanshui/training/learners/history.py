"""Images made before, some of which a discriminator is shown instead of the newest, so that old faults do not return.

Shrivastava et al. 2017, "Learning from Simulated and Unsupervised Images through Adversarial Training",
https://arxiv.org/abs/1612.07828, section 2.3, as CycleGAN's authors use it.
"""

from typing import Any

import torch
from torch import Tensor

from shanshui.errors import ConfigError
from shanshui.together import gathered, own
from shanshui.training.randomness import generator_at


class HistoryPool:
    """Up to `size` images; half of the time a new one takes the place of an old one, which is shown in its stead.

    What is kept and shown follows from the images, the seed and their number in the training alone.
    """

    def __init__(self, size: int, *, seed: int, purpose: str) -> None:
        """An empty pool.

        Args:
            size: images kept; 0 shows the newest always.
            seed: of the training.
            purpose: keeps the draws of several pools apart.

        Raises:
            ConfigError: `size` is below 0.
        """
        if size < 0:
            raise ConfigError(f"A history of {size} images cannot be kept: give 0 or more.")
        self._size, self._seed, self._purpose = size, seed, purpose
        self._kept: list[Tensor] = []

    def shown(self, images: Tensor, images_seen: int) -> Tensor:
        """As many images as `images` (N, C, H, W), the first of which is number `images_seen` of the training.

        Each is the new one or one from the pool; no gradient flows through them. Processes that learn together keep
        the same pool, of the images of all.
        """
        random = generator_at(self._seed, images_seen, f"history of {self._purpose}")
        return own(torch.stack([self._exchanged(image, random) for image in gathered(images.detach())]))

    def state_dict(self) -> dict[str, Any]:
        """The images kept."""
        return {"kept": list(self._kept)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        self._kept = list(state["kept"])

    def _exchanged(self, image: Tensor, random: torch.Generator) -> Tensor:
        if len(self._kept) < self._size:
            self._kept.append(image.cpu().clone())
            return image
        stays, place = torch.rand((), generator=random) < 0.5, torch.randint(max(self._size, 1), (), generator=random)
        if stays or self._size == 0:
            return image
        old, self._kept[int(place)] = self._kept[int(place)], image.cpu().clone()
        return old.to(image.device)
