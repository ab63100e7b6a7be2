"""What a composer is taught: two modules, a game, what is kept of the photo and what is taken from the paintings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shanshui.errors import ConfigError
from shanshui.networks.composer import ComposerConfig
from shanshui.networks.discriminators.base import DiscriminatorConfig
from shanshui.networks.discriminators.stylegan2 import StyleGAN2DiscriminatorConfig
from shanshui.objectives.adversarial import GAMES
from shanshui.objectives.style import StyleObjective
from shanshui.training.update import AdamConfig


@dataclass(frozen=True, kw_only=True)
class ComposerTeaching:
    """What a composer is made of and taught.

    Attributes:
        styles: name -> paintings, as for `StyleTeaching`; the names must be those of the style-transfer module.
        painting_side, painting_margin: as for `StyleTeaching`.
        composer: the natural-scene module.
        discriminator: who tells composed scenes from photographs.
        game: a name from `objectives.adversarial.GAMES`.
        r1: gamma of R1 on photographs, times `r1_every` at every so many steps.
        adversarial: weight of the game in the composer's loss.
        styling: factor of everything that is compared with the paintings.
        content: VGG-19 layer -> weight of the distance of what is held to the paintings to its photo.
        nature: the same of what answers to the discriminator. With fine layers among them a photo's own texture is
            what strokes are undone to: the discriminator alone, which sees few pictures, leaves them where they are.
        style, moments: VGG-19 layer -> weight of the distance to the paintings.
        tone: weight of the distance to the photo's layout of light and dark.
        palette: weight of the distance to the paintings' colours.
        from_noise: share of the inputs that the scene generator makes.
        joint_from: images after which the style-transfer module learns, too.
        average_half_life: of the moving average, which ships, in images.
    """

    styles: Mapping[str, tuple[str, ...]]
    painting_side: int = 384
    painting_margin: float = 0.04
    composer: ComposerConfig = field(default_factory=ComposerConfig)
    discriminator: DiscriminatorConfig = field(default_factory=StyleGAN2DiscriminatorConfig)
    game: str = "non-saturating"
    r1: float = 1.0
    r1_every: int = 16
    adversarial: float = 1.0
    styling: float = 1.0
    content: Mapping[str, float] = field(default_factory=lambda: {"relu4_1": 1.0})
    nature: Mapping[str, float] = field(default_factory=lambda: {"relu4_1": 1.0})
    style: Mapping[str, float] = field(default_factory=dict)
    moments: Mapping[str, float] = field(default_factory=dict)
    tone: float = 1.0
    palette: float = 0.0
    from_noise: float = 0.25
    joint_from: int = 0
    adam: AdamConfig = field(default_factory=AdamConfig)
    discriminator_adam: AdamConfig = field(default_factory=AdamConfig)
    average_half_life: float = 1_000

    def __post_init__(self) -> None:
        if self.game not in GAMES:
            raise ConfigError(f"There is no game {self.game!r}: choose one of {', '.join(GAMES)}.")
        if GAMES[self.game].lipschitz and self.r1 == 0:
            raise ConfigError(f"The game {self.game} has no lower bound: give r1 a strength.")
        if not 0 <= self.from_noise <= 1 or min(self.adversarial, self.styling, self.r1) < 0 or self.r1_every < 1:
            raise ConfigError(
                "A composer's from_noise is a share from 0 to 1, its weights are at least 0 and r1_every at least 1."
            )


def painted_objective(config: ComposerTeaching) -> StyleObjective:
    """What holds scenes to paintings, and to the content of their photos."""
    styling = config.styling

    def weights(layers: Mapping[str, float]) -> Mapping[str, float]:
        return {layer: styling * weight for layer, weight in layers.items()} if styling > 0 else {}

    return StyleObjective(
        content=config.content,
        style=weights(config.style),
        moments=weights(config.moments),
        tone=config.tone,
        palette=styling * config.palette,
        smoothness=0.0,
    )


def natural_objective(config: ComposerTeaching) -> StyleObjective:
    """What holds scenes to their photos, beside the discriminator."""
    return StyleObjective(content=config.nature, style={}, moments={}, tone=config.tone, palette=0.0, smoothness=0.0)
