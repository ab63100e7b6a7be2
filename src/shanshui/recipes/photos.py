"""What every recipe has that learns on the photos of a data folder."""

from dataclasses import dataclass

from shanshui.training.settings import TrainSettings


@dataclass(frozen=True, kw_only=True)
class PhotoRecipe:
    """Everything that such a training needs besides the folder of the data sets and what is taught.

    Attributes:
        size: pixels of each side of the photos.
        settings: how long, and what is written when.
        photos: data set to learn on, in the data folder.
        shown: data set whose first pictures the sample sheets show.
        min_scale: smallest random crop, as a share of the largest one.
        flip: mirror photos at random.
    """

    size: int
    settings: TrainSettings
    photos: str = "photos-open-640.zip/train"
    shown: str = "photos-open-640.zip/heldout"
    min_scale: float = 0.3
    flip: bool = True
