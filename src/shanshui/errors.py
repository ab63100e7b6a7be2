"""The errors a user can cause: each message is one plain sentence saying what was wrong, where, and what to do."""


class ShanshuiError(Exception):
    """Base of every error that the command line shows as a sentence and turns into exit code 2."""


class ImageError(ShanshuiError):
    """An image could not be read, is too large to decode safely, or has the wrong shape."""


class DataError(ShanshuiError):
    """A data set is missing, empty or unusable as a whole."""


class ModelError(ShanshuiError):
    """A snapshot or checkpoint is missing, truncated, foreign, or does not fit its network."""


class ConfigError(ShanshuiError):
    """An option has a value that cannot work."""


class StorageError(ShanshuiError):
    """A file could not be written: full disk, no permission, a folder in the way."""


class NonFiniteError(ShanshuiError):
    """A loss, gradient or image became NaN or infinite; nothing was updated with it."""


class ExplodingError(ShanshuiError):
    """A loss, gradient or weight grew beyond anything that learning needs; nothing was updated with it."""


class LostProcessError(ShanshuiError):
    """One of the processes that learn together has ended, and the others cannot go on without it."""
