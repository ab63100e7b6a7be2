"""What a service takes on, and for how long it keeps what it made."""

from dataclasses import dataclass

from shanshui.errors import ConfigError
from shanshui.images.files import MAX_PIXELS


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Beyond these a request is refused, or the oldest results go."""

    megabytes: float = 64
    """Of one request, all its pictures together."""
    megapixels: float = 25
    """Of one picture, or of all scenes of one request."""
    seconds: float = 300
    """That one job may take once it has begun."""
    upload_seconds: float = 60
    """That a request may take to arrive."""
    queue: int = 64
    """Jobs that wait."""
    keep_hours: float = 24
    """That a job is kept after its end, with its pictures."""
    keep_jobs: int = 2000
    """Ended jobs that are kept at most."""
    keep_gigabytes: float = 10
    """That ended jobs may take on the disk."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a limit that cannot work."""
        for name, value in vars(self).items():
            if not 0 < value < float("inf"):
                raise ConfigError(f"--limits.{name.replace('_', '-')} is {value}: it must be above 0.")
        if self.pixels > MAX_PIXELS:
            raise ConfigError(f"--limits.megapixels is {self.megapixels}: no more than 175 can be decoded safely.")

    @property
    def bytes(self) -> int:
        """Of one request."""
        return int(self.megabytes * 1e6)

    @property
    def pixels(self) -> int:
        """Of one picture."""
        return int(self.megapixels * 1e6)
