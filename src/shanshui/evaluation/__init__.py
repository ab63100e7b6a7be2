"""Numbers: how close generated images come to real ones, under protocols that their names spell out."""

from shanshui.evaluation.assess import Assessor
from shanshui.evaluation.assessment import Assessment
from shanshui.evaluation.collection import Collection, Lens, collect, collect_stills, collect_stylized
from shanshui.evaluation.estimates import Estimate
from shanshui.evaluation.features import Extractor, FeatureSet, extract, together
from shanshui.evaluation.judge import Judge, evaluate
from shanshui.evaluation.protocols import DEFAULT_FIGURES, Protocol, choosing_metric
from shanshui.evaluation.references import default_cache_folder, reference_features
from shanshui.evaluation.stills import stills

__all__ = [
    "Assessor",
    "Assessment",
    "Collection",
    "Lens",
    "collect",
    "collect_stills",
    "collect_stylized",
    "evaluate",
    "Judge",
    "Estimate",
    "Protocol",
    "DEFAULT_FIGURES",
    "choosing_metric",
    "Extractor",
    "FeatureSet",
    "extract",
    "together",
    "reference_features",
    "default_cache_folder",
    "stills",
]
