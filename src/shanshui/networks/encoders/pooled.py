"""Encoders as feature extractors for evaluation: one vector per image and layer, averaged over space."""

from torch import Tensor, nn

from shanshui.networks.encoders.efficientnet_lite import EfficientNetLite1
from shanshui.networks.encoders.vgg19 import VGG19


class PooledVGG19(nn.Module):
    """Means over space of VGG-19's relu4_4 and relu5_4, 512 numbers each."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = VGG19()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Feature vectors of `images`.

        Args:
            images: (N, 3, H, W) RGB in [-1, 1], H and W of at least 16.

        Returns:
            `vgg19_relu4_4` and `vgg19_relu5_4` -> (N, 512) float32.
        """
        features: dict[str, Tensor] = self.encoder(images, ("relu4_4", "relu5_4"))
        return {f"vgg19_{name}": maps.float().mean((2, 3)) for name, maps in features.items()}


class PooledEfficientNetLite1(nn.Module):
    """The 1280 numbers that EfficientNet-Lite1's classifier reads."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = EfficientNetLite1()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Feature vectors of `images`.

        Args:
            images: (N, 3, H, W) RGB in [-1, 1], H and W of at least 32.

        Returns:
            `effnetlite1` -> (N, 1280) float32.
        """
        return {"effnetlite1": self.encoder.embed(images).float()}
