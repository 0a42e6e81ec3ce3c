"""What may be served by meaning, by namespace and budget, as the labels have it."""

from cache.calibration.admission import Admission, Priors, prior_cut
from cache.calibration.namespaces import Calibrations
from cache.calibration.refit import refit

__all__ = ["Admission", "Calibrations", "Priors", "prior_cut", "refit"]
